using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Tests;

public sealed class RedisMetadataTests
{
    [Theory]
    [InlineData("server", "", "server", 6379)]
    [InlineData("server", "7000", "server", 7000)]
    [InlineData("server:6380", "7000", "server", 6380)]
    [InlineData(" 10.0.0.1:6380 ", "", "10.0.0.1", 6380)]
    [InlineData("[::1]", "", "::1", 6379)]
    [InlineData("[::1]:6380", "", "::1", 6380)]
    [InlineData("::1", "7000", "::1", 7000)]
    public void Takes_host_and_port_from_either_name(string host, string port, string expectedHost, int expectedPort)
    {
        var options = Read(("redisHost", host), ("redisPort", port));

        Assert.Equal((expectedHost, expectedPort), (options.Host, options.Port));
    }

    [Fact]
    public void Takes_the_names_of_dapr_whatever_their_case()
    {
        var options = Read(
            ("redishost", "server"), ("redisUsername", "user"), ("redisPassword", "secret"), ("redisDB", "3"), ("enableTLS", "true"),
            ("insecureSkipTLSVerify", "true"), ("clientCert", "cert"), ("clientKey", "key"), ("dialTimeout", "2s"), ("readTimeout", "500"),
            ("redisMinRetryInterval", "10ms"), ("redisMaxRetryInterval", "1s"), ("poolSize", "5"), ("redisMaxRetries", "3"));

        Assert.Equal(
            new RedisOptions
            {
                Host = "server",
                Username = "user",
                Password = "secret",
                Database = 3,
                Tls = true,
                InsecureSkipVerify = true,
                ClientCertificate = "cert",
                ClientKey = "key",
                ConnectTimeout = TimeSpan.FromSeconds(2),
                CommandTimeout = TimeSpan.FromMilliseconds(500),
                MinReconnectDelay = TimeSpan.FromMilliseconds(10),
                MaxReconnectDelay = TimeSpan.FromSeconds(1),
            },
            options);
    }

    [Fact]
    public void A_negative_limit_is_none_and_a_negative_pause_is_none()
    {
        var options = Read(("redisHost", "server"), ("readTimeout", "-1"), ("redisMinRetryInterval", "-1"), ("redisMaxRetryInterval", "-1"));

        Assert.Equal((Timeout.InfiniteTimeSpan, TimeSpan.Zero, TimeSpan.Zero), (options.CommandTimeout, options.MinReconnectDelay, options.MaxReconnectDelay));
    }

    private static RedisOptions Read(params (string Name, string Value)[] metadata) => RedisMetadata.Read(new ComponentContext(
        "component", "state.redis", "v1", new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))), "app", 0,
        "/", "/", new ServiceCollection().BuildServiceProvider()));
}
