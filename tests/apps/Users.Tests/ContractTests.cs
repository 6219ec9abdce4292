using Contracts;
using ServiceContract;

namespace Users.Tests;

/// <summary>The document of users, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<UsersService>(Apps.Users);
