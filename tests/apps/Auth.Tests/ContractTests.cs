using Contracts;
using ServiceContract;

namespace Auth.Tests;

/// <summary>The document of auth, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<AuthService>(Apps.Auth);
