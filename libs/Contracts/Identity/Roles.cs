namespace Contracts.Identity;

/// <summary>Roles of people, claim <c>roles</c> of their tokens and header <c>X-User-Roles</c> behind the gateway.</summary>
public static class Roles
{
    /// <summary>Everybody who is signed in.</summary>
    public const string User = "user";

    /// <summary>Runs the platform.</summary>
    public const string Admin = "admin";

    /// <summary>Human resources.</summary>
    public const string Hr = "hr";

    /// <summary>Sales.</summary>
    public const string Sales = "sales";

    /// <summary>Works for the company.</summary>
    public const string Employee = "employee";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [User, Admin, Hr, Sales, Employee];
}
