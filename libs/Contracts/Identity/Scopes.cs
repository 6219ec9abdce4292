namespace Contracts.Identity;

/// <summary>What an API key may be used for, claim <c>scope</c> of its tokens; the route table of the gateway says which route needs which.</summary>
public static class Scopes
{
    /// <summary>Scans: submit, list, read, cancel.</summary>
    public const string Scan = "scan";

    /// <summary>Pictures: upload and read.</summary>
    public const string Images = "images";

    /// <summary>Desk: photos and callbacks.</summary>
    public const string Desk = "desk";

    /// <summary>Events and logs of jobs.</summary>
    public const string Jobs = "jobs";

    /// <summary>The catalogue of characters.</summary>
    public const string CharactersRead = "characters:read";

    /// <summary>The owner's profile, characters and points.</summary>
    public const string UsersRead = "users:read";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Scan, Images, Desk, Jobs, CharactersRead, UsersRead];
}
