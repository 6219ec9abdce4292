namespace Sidecar.Runtime.Invocation;

/// <summary>Where a method of an app is.</summary>
public static class InvocationAddress
{
    /// <summary>
    /// The address of a method with its query, escaped as the caller has it. Put together as text: resolved as a reference a path such as
    /// <c>/\host</c> would name another machine.
    /// </summary>
    public static Uri Of(Uri app, string method) => new($"{app.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{method.TrimStart('/')}");

    /// <summary>The address that a target is when it is not an app id: <c>http(s)://host[:port]</c> (dapr-http §4, external URL). Of the slashes one may be lost.</summary>
    public static Uri? External(string target)
    {
        foreach (var scheme in (string[])["http:", "https:"])
        {
            if (target.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && target.Length > scheme.Length && target[scheme.Length] == '/')
            {
                return Uri.TryCreate($"{scheme}//{target[scheme.Length..].TrimStart('/')}", UriKind.Absolute, out var address) ? address : null;
            }
        }

        return null;
    }
}
