namespace Sidecar.Runtime.Invocation;

/// <summary>Where a method of an app is.</summary>
public static class InvocationAddress
{
    /// <summary>
    /// The address of a method with its query, escaped as the caller has it. Put together as text: resolved as a reference a path such as
    /// <c>/\host</c> would name another machine.
    /// </summary>
    public static Uri Of(Uri app, string method) => new($"{app.GetLeftPart(UriPartial.Authority)}/{method.TrimStart('/')}");
}
