using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Connections;

/// <summary>Where a broker is and how to sign in. Components with equal values share their connections.</summary>
internal sealed record BrokerAddress
{
    private const int AmqpPort = 5672;
    private const int AmqpsPort = 5671;

    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string VirtualHost { get; init; }

    public required string UserName { get; init; }

    public required string Password { get; init; }

    public required bool Tls { get; init; }

    /// <summary>PEM of the authorities to trust instead of the system's.</summary>
    public string? CaCert { get; init; }

    /// <summary>PEM of the client's certificate.</summary>
    public string? ClientCert { get; init; }

    /// <summary>PEM of its key.</summary>
    public string? ClientKey { get; init; }

    /// <summary>The identity is that of the client certificate.</summary>
    public bool External { get; init; }

    /// <summary>Metadata <c>heartBeat</c>: a peer that is silent for two of these is gone. Default 10 s, 0 for none.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Metadata <c>clientName</c>: how the broker's tools call the connection. Default: the component's name.</summary>
    public required string ClientName { get; init; }

    /// <summary>
    /// Metadata <c>connectTimeout</c>: the longest that connecting and signing in may take, as may any later question to the broker. Default 4 s,
    /// so that a server that never answers is reported before the default <c>initTimeout</c> of 5 s is over.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Of a pub/sub component: <c>connectionString</c> (old name <c>host</c>), or <c>hostname</c>, <c>protocol</c>, <c>username</c>, <c>password</c>.</summary>
    public static BrokerAddress OfPubSub(ComponentContext context)
    {
        var metadata = context.Metadata;
        var name = metadata["connectionString"] is { Length: > 0 } ? "connectionString" : "host";
        var external = metadata.Bool("saslExternal", false);
        if (metadata[name] is { Length: > 0 } text)
        {
            var address = Parse(context, name, text, external);
            return metadata["protocol"] is not { Length: > 0 } scheme || address.Tls == IsTls(scheme)
                ? address
                : throw new ComponentException($"metadata 'protocol' is '{scheme}' and '{name}' says otherwise: leave 'protocol' out");
        }

        var tls = metadata["protocol"] is { Length: > 0 } protocol && IsTls(protocol);
        return Create(
            context, $"{(tls ? "amqps" : "amqp")}://{(metadata["hostname"] is { Length: > 0 } host ? host : "localhost")}", "hostname", external,
            metadata["username"], metadata["password"]);
    }

    /// <summary>Of a binding: <c>host</c>, which is a whole address.</summary>
    public static BrokerAddress OfBinding(ComponentContext context) => Parse(
        context, "host", context.Metadata.Required("host"), context.Metadata.Bool("saslExternal", context.Metadata.Bool("externalSasl", false)));

    /// <summary>The address without user and password, for messages.</summary>
    public override string ToString() => $"{(Tls ? "amqps" : "amqp")}://{Host}:{Port}{(VirtualHost == "/" ? "" : "/" + VirtualHost)}";

    public ConnectionFactory Factory(string role) => new()
    {
        HostName = Host,
        Port = Port,
        VirtualHost = VirtualHost,
        UserName = UserName,
        Password = Password,
        AuthMechanisms = External ? [new ExternalMechanismFactory()] : [new PlainMechanismFactory()],
        Ssl = Tls ? SslOptions() : new SslOption(),
        RequestedHeartbeat = Heartbeat,
        ClientProvidedName = $"{ClientName} ({role})",
        RequestedConnectionTimeout = ConnectTimeout,
        HandshakeContinuationTimeout = ConnectTimeout,
        ContinuationTimeout = ConnectTimeout,

        // Whoever uses a connection opens the next one himself: a publish has a deadline, and a consumer declares what it needs again.
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
    };

    private static BrokerAddress Parse(ComponentContext context, string name, string text, bool external) => Create(context, text, name, external, null, null);

    private static BrokerAddress Create(ComponentContext context, string text, string name, bool external, string? userName, string? password)
    {
        // The text may hold a password, so it is not in the message.
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0)
        {
            throw new ComponentException($"metadata '{name}' is no address of a broker: write {(name == "hostname" ? "HOST or HOST:PORT" : "amqp://USER:PASSWORD@HOST:PORT/VHOST")}");
        }

        var metadata = context.Metadata;
        var user = uri.UserInfo.Split(':', 2);
        var address = new BrokerAddress
        {
            Host = uri.DnsSafeHost,
            Port = uri.Port > 0 ? uri.Port : uri.Scheme == "amqps" ? AmqpsPort : AmqpPort,
            VirtualHost = uri.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(uri.AbsolutePath[1..]) : "/",
            UserName = userName is { Length: > 0 } ? userName : user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : "guest",
            Password = password is { Length: > 0 } ? password : user.Length == 2 ? Uri.UnescapeDataString(user[1]) : "guest",
            Tls = uri.Scheme == "amqps",
            CaCert = Pem(metadata, "caCert"),
            ClientCert = Pem(metadata, "clientCert"),
            ClientKey = Pem(metadata, "clientKey"),
            External = external,
            Heartbeat = metadata.Duration("heartBeat", TimeSpan.FromSeconds(10)) is var heartbeat && (heartbeat == TimeSpan.Zero || heartbeat >= TimeSpan.FromSeconds(1))
                ? heartbeat
                : throw new ComponentException($"metadata 'heartBeat' is at least 1s, or 0 for none, not '{metadata["heartBeat"]}'"),
            ClientName = metadata["clientName"] is { Length: > 0 } clientName ? clientName : context.Name,
            ConnectTimeout = metadata.Duration("connectTimeout", TimeSpan.FromSeconds(4)),
        };
        return !external || address is { Tls: true, CaCert: not null, ClientCert: not null, ClientKey: not null }
            ? address
            : throw new ComponentException("metadata 'saslExternal' needs an amqps address and caCert, clientCert and clientKey");
    }

    private static bool IsTls(string protocol) => protocol switch
    {
        "amqp" => false,
        "amqps" => true,
        _ => throw new ComponentException($"metadata 'protocol' is amqp or amqps, not '{protocol}'"),
    };

    private static string? Pem(ComponentMetadata metadata, string name) =>
        metadata[name] is not { Length: > 0 } text ? null
        : PemEncoding.TryFind(text, out _) ? text
        : throw new ComponentException($"metadata '{name}' is no PEM: it begins with -----BEGIN");

    private SslOption SslOptions()
    {
        var options = new SslOption(Host, enabled: true);
        if (ClientCert is not null && ClientKey is not null)
        {
            options.Certs = [X509Certificate2.CreateFromPem(ClientCert, ClientKey)];
        }

        if (CaCert is not null)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(CaCert);
            options.CertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(authorities, certificate, chain, errors);
        }

        return options;
    }

    private static bool IsTrusted(X509Certificate2Collection authorities, X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 server || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainElements.Select(element => element.Certificate).ToArray());
        }

        return chain.Build(server);
    }
}
