using System.ComponentModel.DataAnnotations;

namespace Auth.OAuth;

/// <summary>How one provider is spoken to. The defaults of the three are in <see cref="OAuthOptions"/>; configuration can override every one.</summary>
public sealed class OAuthProviderOptions
{
    /// <summary>Client id that the provider gave us. Without one the provider is off.</summary>
    public string? ClientId { get; set; }

    /// <summary>Whether tokens are refused us without the secret <c>oauth-{provider}</c>. Otherwise it is sent only if there is one.</summary>
    public bool NeedsSecret { get; set; } = true;

    /// <summary>Where the browser is sent (RFC 6749 §3.1).</summary>
    [Required]
    public string AuthorizeUrl { get; set; } = "";

    /// <summary>Where a code becomes a token (RFC 6749 §3.2).</summary>
    [Required]
    public string TokenUrl { get; set; } = "";

    /// <summary>Where a token becomes a profile.</summary>
    [Required]
    public string ProfileUrl { get; set; } = "";

    /// <summary>Parameter <c>scope</c>, separated by spaces; none when empty.</summary>
    public string Scope { get; set; } = "";

    /// <summary>More parameters of the authorize address.</summary>
    public Dictionary<string, string> AuthorizeParameters { get; set; } = [];

    /// <summary>Whether it understands PKCE (RFC 7636), always S256.</summary>
    public bool Pkce { get; set; } = true;

    /// <summary>Whether the token request repeats <c>state</c>.</summary>
    public bool TokenNeedsState { get; set; }

    /// <summary>What parameter <c>iss</c> of its answers has to be, if it sends one (RFC 9207).</summary>
    public string? Issuer { get; set; }

    /// <summary>Where in the profile the person's id is: names separated by dots.</summary>
    [Required]
    public string IdPath { get; set; } = "";

    /// <summary>The e-mail address, likewise.</summary>
    public string EmailPath { get; set; } = "";

    /// <summary>The nickname, likewise.</summary>
    public string NicknamePath { get; set; } = "";

    /// <summary>The picture's address, likewise.</summary>
    public string PicturePath { get; set; } = "";
}
