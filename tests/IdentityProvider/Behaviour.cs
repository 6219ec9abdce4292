namespace IdentityProviders;

/// <summary>What the authorize page does wrong.</summary>
public enum AuthorizeFault
{
    None,
    Denied,
    WrongState,
    NoState,
    WrongIssuer,
    NoCode,
    RepeatedState,
}

/// <summary>What an endpoint for programs does wrong.</summary>
public enum AnswerFault
{
    None,

    /// <summary>Waits <see cref="Behaviour.Latency"/>, then answers well.</summary>
    Slow,

    /// <summary>Takes the request and says nothing.</summary>
    Never,

    /// <summary>Sends headers and half a body, and nothing more.</summary>
    HalfAnswer,
    Status500,
    MalformedJson,
    WrongContentType,
    HugeBody,
    OtherShape,
    Redirect,
    BrokenConnection,

    /// <summary>An OAuth error, as the provider words it.</summary>
    Error,

    /// <summary>Of the token endpoint: a token that no header can carry.</summary>
    TokenWithLineBreak,
}

/// <summary>How the provider behaves from now on; as JSON the body of <c>PUT /control</c>.</summary>
public sealed record Behaviour
{
    /// <summary>Client id that is known.</summary>
    public string ClientId { get; init; } = "tandem-dev";

    /// <summary>Secret that the token endpoint asks for; null for none.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>Shows a page on which a developer chooses who signs in, instead of sending the browser back at once.</summary>
    public bool Consent { get; init; }

    /// <summary>Who signs in.</summary>
    public Person Person { get; init; } = Person.Ann;

    public AuthorizeFault Authorize { get; init; }

    public AnswerFault Token { get; init; }

    public AnswerFault Profile { get; init; }

    /// <summary>Of <see cref="AnswerFault.Slow"/>.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(200);
}
