namespace Auth.Sessions;

/// <summary>A way of signing in.</summary>
/// <param name="Name">google, kakao, naver, password or guest.</param>
/// <param name="Kind">One of <see cref="SignInKinds"/>: what a page has to do for it.</param>
public sealed record SignInMethod(string Name, string Kind);

/// <summary>Kinds of <see cref="SignInMethod"/>.</summary>
public static class SignInKinds
{
    /// <summary>Send the person to the <c>authorization_url</c> of <c>GET /api/v1/auth/{name}</c>.</summary>
    public const string Provider = "provider";

    /// <summary>Ask for e-mail address and password.</summary>
    public const string Password = "password";

    /// <summary><c>POST /api/v1/auth/guest</c>.</summary>
    public const string Guest = "guest";
}

/// <summary>Registered by each part of auth by which people sign in.</summary>
internal interface ISignInMethods
{
    /// <summary>Those that are configured.</summary>
    IEnumerable<SignInMethod> Available { get; }
}
