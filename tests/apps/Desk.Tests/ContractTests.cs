using Contracts;
using ServiceContract;

namespace Desk.Tests;

/// <summary>The document of desk, and whom it answers. The original paths, which ask nobody who he is, are not there outside of Development.</summary>
public sealed class ContractTests() : AppContract<DeskService>(Apps.Desk, ("Desk:OriginalPaths", "false"));
