using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// The Configuration resource of an app (dapr-config §4) as far as it is honoured: scopes of secrets, lists of HTTP APIs, access control. Parts that protect an app and are
/// not there are refused; parts about what this sidecar does not have (mTLS, metrics, tracing of its own) are skipped.
/// </summary>
public sealed class AppConfiguration
{
    /// <summary>What an app without a Configuration has.</summary>
    public static readonly AppConfiguration Default = new([], new ApiRules(default, ""), new AccessRules(default, ""));

    private readonly IReadOnlyList<SecretScope> _secrets;

    internal AppConfiguration(IReadOnlyList<SecretScope> secrets, ApiRules api, AccessRules access)
    {
        _secrets = secrets;
        Api = api;
        Access = access;
    }

    /// <summary>The HTTP APIs that the app may use.</summary>
    public ApiRules Api { get; }

    /// <summary>Which apps may invoke what of the app.</summary>
    public AccessRules Access { get; }

    /// <summary>
    /// Whether the app may read a secret: an allowed list has the last word, then the denied list, then the default (allow). A store
    /// without a scope is open. References of components (<c>secretKeyRef</c>) are not the app's and not asked about.
    /// </summary>
    public bool IsSecretAllowed(string store, string key)
    {
        if (_secrets.FirstOrDefault(scope => scope.Store == store) is not { } scope)
        {
            return true;
        }

        return scope.Allowed.Count > 0 ? scope.Allowed.Contains(key) : !scope.Denied.Contains(key) && scope.AllowedByDefault;
    }

    /// <summary>Reads the file's Configuration. Throws <see cref="ComponentException"/> with a sentence for the operator.</summary>
    internal static AppConfiguration Read(YamlMap document, string file)
    {
        var spec = document.Map("spec");
        Refuse(spec.Map("httpPipeline").Maps("handlers").Any(), "httpPipeline");
        Refuse(spec.Map("appHttpPipeline").Maps("handlers").Any(), "appHttpPipeline");
        var secrets = spec.Map("secrets").Maps("scopes").Select(scope => new SecretScope(
            scope.Text("storeName") ?? throw new ComponentException($"{file}: a scope of secrets has no storeName"),
            scope.Texts("allowedSecrets"), scope.Texts("deniedSecrets"), IsAllow(scope.Text("defaultAccess"), file, "secrets") ?? true));
        return new AppConfiguration([.. secrets], new ApiRules(spec.Map("api"), file), new AccessRules(spec.Map("accessControl"), file));

        void Refuse(bool present, string part)
        {
            if (present)
            {
                throw new ComponentException($"{file}: spec.{part} protects an app on daprd; the embedded sidecar does not have it: leave it out for local runs");
            }
        }
    }

    /// <summary>Allow or deny, in any case; null when nothing is said.</summary>
    internal static bool? IsAllow(string? text, string file, string part) => text?.ToLowerInvariant() switch
    {
        "allow" => true,
        "deny" => false,
        null or "" => null,
        _ => throw new ComponentException($"{file}: spec.{part} says '{text}', not allow or deny"),
    };
}

/// <summary>Which secrets of a store an app may read.</summary>
internal sealed record SecretScope(string Store, IReadOnlyList<string> Allowed, IReadOnlyList<string> Denied, bool AllowedByDefault);
