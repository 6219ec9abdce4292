using Microsoft.AspNetCore.Builder;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class BlocksOverHttp() : BlockSuite(HttpDoor.Open);

public sealed class BlocksOverGrpc() : BlockSuite(GrpcDoor.Open);

/// <summary>Locks, configuration, secrets and metadata with the components of the local set (dapr-http §7 to §10, grpc §2.1).</summary>
public abstract class BlockSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun()
            .Component("locks", "lock.tandem").Component("settings", "configuration.tandem", "file=settings.json")
            .Component("vault", "secretstores.local.file", "secretsFile=secrets.json").Component("files", "state.tandem")
            .Yaml("settings.json", """{"colour":"red","size":{"value":"10","version":"v7"}}""").Yaml("secrets.json", """{"password":"hunter2","pin":"1234"}""")
            .Yaml("scoped.yaml", """
                apiVersion: dapr.io/v1alpha1
                kind: Configuration
                metadata: {name: c}
                spec: {secrets: {scopes: [{storeName: vault, deniedSecrets: [pin]}]}}
                """);
        await run.AppAsync("a", _ => { }, configuration: "scoped.yaml");
        await run.AppAsync("b");
        return run;
    }

    [Fact]
    public async Task A_lock_is_its_owners_until_it_is_given_back_or_expires()
    {
        Assert.Equal(1, await Door.UnlockAsync("locks", "r", "one"));
        Assert.True(await Door.LockAsync("locks", "r", "one", 10));
        Assert.False(await Door.LockAsync("locks", "r", "two", 10));
        Assert.Equal(2, await Door.UnlockAsync("locks", "r", "two"));
        Assert.Equal(0, await Door.UnlockAsync("locks", "r", "one"));
        Assert.True(await Door.LockAsync("locks", "r", "two", 10));

        Clock.Advance(TimeSpan.FromSeconds(11));
        Assert.True(await Door.LockAsync("locks", "r", "one", 10));
    }

    [Fact]
    public async Task Locks_of_different_apps_do_not_meet()
    {
        using var other = Open(1);

        Assert.True(await Door.LockAsync("locks", "r", "one", 10));
        Assert.True(await other.LockAsync("locks", "r", "one", 10));
    }

    [Fact]
    public async Task Lock_requests_that_make_no_sense_are_refused()
    {
        Task FailsAsync(Func<Door, Task> call, string message) => Door.FailsAsync(call, "ERR_MALFORMED_REQUEST", 400, GrpcStatusCode.InvalidArgument, message);

        await FailsAsync(door => door.LockAsync("locks", "r", "o", 0), "ExpiryInSeconds is not positive in lock store locks");
        await FailsAsync(door => door.LockAsync("locks", "", "o", 1), "ResourceId is empty in lock store locks");
        await FailsAsync(door => door.UnlockAsync("locks", "r", ""), "LockOwner is empty in lock store locks");
        await Door.FailsAsync(door => door.LockAsync("nowhere", "r", "o", 1), "ERR_LOCK_STORE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument);
    }

    [Fact]
    public async Task Configuration_items_have_values_and_versions()
    {
        var all = await Door.GetConfigurationAsync("settings");
        Assert.Equal(("red", "v7"), (all["colour"].Value, all["size"].Version));

        Assert.Equal("10", Assert.Single(await Door.GetConfigurationAsync("settings", "size", "unknown"), item => item.Key == "size").Value.Value);
        Assert.Empty(await Door.GetConfigurationAsync("settings", "unknown"));
        await Door.FailsAsync(door => door.GetConfigurationAsync("nowhere"), "ERR_CONFIGURATION_STORE_NOT_FOUND", 400, GrpcStatusCode.InvalidArgument);
    }

    [Fact]
    public async Task Secrets_come_singly_and_all_together_as_far_as_the_app_may_read()
    {
        Assert.Equal(new() { ["password"] = "hunter2" }, await Door.GetSecretAsync("vault", "password"));
        Assert.Equal("hunter2", Assert.Single(await Door.GetSecretsAsync("vault")).Value["password"]);
        await Door.FailsAsync(door => door.GetSecretAsync("vault", "unknown"), "ERR_SECRET_GET", 500, GrpcStatusCode.Internal, "secret not found");
        await Door.FailsAsync(
            door => door.GetSecretAsync("vault", "pin"), "ERR_PERMISSION_DENIED", 403, GrpcStatusCode.PermissionDenied, "access denied by policy to get pin from vault");
        await Door.FailsAsync(door => door.GetSecretAsync("nowhere", "password"), "ERR_SECRET_STORE_NOT_FOUND", 401, GrpcStatusCode.InvalidArgument);
        await Door.FailsAsync(door => door.GetSecretsAsync("nowhere"), "ERR_SECRET_STORE_NOT_FOUND", 401, GrpcStatusCode.InvalidArgument);
    }

    [Fact]
    public async Task Metadata_names_the_app_its_components_and_what_it_has_added()
    {
        await Door.SetMetadataAsync("release", "blue");

        var metadata = await Door.GetMetadataAsync();

        Assert.Equal(("a", "blue", Run.Sidecar.Instances[0].AppPort), (metadata.Id, metadata.Extended["release"], metadata.AppPort));
        Assert.Equal(["files", "locks", "settings", "vault"], metadata.Components.Select(component => component.Name));
        Assert.Equal("state.tandem", metadata.Components[0].Type);
        Assert.Contains("ETAG", metadata.Components[0].Capabilities);
    }

    [Fact]
    public async Task Without_a_store_the_error_says_so()
    {
        await using var run = new TestRun();
        await run.AppAsync("app");
        await run.StartAsync();
        using var door = Open(0, run);

        await door.FailsAsync(d => d.LockAsync("s", "r", "o", 1), "ERR_LOCK_STORE_NOT_CONFIGURED", 500, GrpcStatusCode.FailedPrecondition);
        await door.FailsAsync(d => d.GetSecretAsync("s", "k"), "ERR_SECRET_STORES_NOT_CONFIGURED", 500, GrpcStatusCode.FailedPrecondition);
        await door.FailsAsync(d => d.GetConfigurationAsync("s"), "ERR_CONFIGURATION_STORE_NOT_CONFIGURED", 500, GrpcStatusCode.FailedPrecondition);
    }
}
