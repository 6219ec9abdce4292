using Contracts;
using ServiceContract;

namespace Scan.Tests;

/// <summary>The document of scan, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<ScanService>(Apps.Scan);
