using Contracts;
using ServiceContract;

namespace Characters.Tests;

/// <summary>The document of characters, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<CharactersService>(Apps.Characters);
