using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests.Doors;

/// <summary>The API of one app instance through one of its two doors. Failures are <see cref="ApiException"/>s.</summary>
public abstract class Door : IDisposable
{
    public abstract bool IsGrpc { get; }

    public abstract Task SaveAsync(string store, params Item[] items);

    public abstract Task<Stored?> GetAsync(string store, string key);

    /// <summary>Keys in the order of the answer; null where there is none.</summary>
    public abstract Task<(string Key, Stored? Value)[]> GetManyAsync(string store, params string[] keys);

    public abstract Task DeleteAsync(string store, string key, string? etag = null);

    /// <summary>Operation and item of each step.</summary>
    public abstract Task TransactAsync(string store, params (string Operation, Item Item)[] operations);

    public abstract Task PublishAsync(
        string pubSub, string topic, byte[] data, string? contentType = null, (string Name, string Value)[]? metadata = null, string? traceParent = null);

    /// <summary>The ids of the entries that failed.</summary>
    public abstract Task<string[]> PublishManyAsync(string pubSub, string topic, params Entry[] entries);

    public abstract Task<Answer> InvokeBindingAsync(
        string name, string operation, string? jsonData = null, (string Name, string Value)[]? metadata = null, string? traceParent = null);

    public abstract Task<Dictionary<string, string>> GetSecretAsync(string store, string key);

    public abstract Task<Dictionary<string, Dictionary<string, string>>> GetSecretsAsync(string store);

    /// <summary>Value and version by key.</summary>
    public abstract Task<Dictionary<string, (string Value, string Version)>> GetConfigurationAsync(string store, params string[] keys);

    public abstract Task<bool> LockAsync(string store, string resource, string owner, int seconds);

    /// <summary>Dapr's number of the outcome.</summary>
    public abstract Task<int> UnlockAsync(string store, string resource, string owner);

    /// <summary>The answer of an app, whatever its status.</summary>
    public abstract Task<AppAnswer> InvokeAsync(
        string app, HttpMethod verb, string path, string query = "", string? body = null, string? contentType = null, params (string Name, string Value)[] headers);

    public abstract Task SetMetadataAsync(string key, string value);

    public abstract Task<Metadata> GetMetadataAsync();

    /// <summary>What an actor answers.</summary>
    public abstract Task<string> InvokeActorAsync(string type, string id, string method, string body = "", params (string Name, string Value)[] headers);

    /// <summary>Value and expiry; null when there is none.</summary>
    public abstract Task<(string Value, string? ExpiresAt)?> GetActorStateAsync(string type, string id, string key);

    /// <summary>Operation and item of each step.</summary>
    public abstract Task TransactActorStateAsync(string type, string id, params (string Operation, Item Item)[] operations);

    /// <summary>The data is JSON.</summary>
    public abstract Task RemindAsync(string type, string id, string name, string dueTime, string period, string data, bool overwrite = true);

    /// <summary>Due time, period and data of a reminder.</summary>
    public abstract Task<(string DueTime, string Period, string Data)> GetReminderAsync(string type, string id, string name);

    public abstract Task ForgetAsync(string type, string id, string name);

    public abstract Task StartTimerAsync(string type, string id, string name, string dueTime, string callback);

    public abstract Task StopTimerAsync(string type, string id, string name);

    public abstract void Dispose();

    /// <summary>Asserts that a call fails: with this code or reason, and this status of HTTP or of gRPC.</summary>
    public async Task FailsAsync(Func<Door, Task> call, string reason, int http, GrpcStatusCode grpc, string? message = null)
    {
        var error = await Assert.ThrowsAsync<ApiException>(() => call(this));
        Assert.Equal((reason, IsGrpc ? (int)grpc : http), (error.Reason, error.Status));
        if (message is not null)
        {
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }
    }
}

/// <summary>What a caller writes. The value is JSON.</summary>
public sealed record Item(string Key, string? Value = null, string? ETag = null, string? Concurrency = null, string? TtlInSeconds = null, (string Name, string Value)[]? Metadata = null);

/// <summary>What a caller reads.</summary>
public sealed record Stored(string Value, string ETag, string? ExpiresAt);

/// <summary>An entry of a bulk publish. The event is JSON.</summary>
public sealed record Entry(string Id, string Event, string ContentType = "application/json", (string Name, string Value)[]? Metadata = null);

/// <summary>What a binding answers.</summary>
public sealed record Answer(string Data, Dictionary<string, string> Metadata);

/// <summary>What an app answers. Headers as the caller sees them, without the prefix that gRPC gives to some.</summary>
public sealed record AppAnswer(int Status, string Body, string ContentType, Dictionary<string, string> Headers);

/// <summary>What the sidecar tells of itself.</summary>
public sealed record Metadata(string Id, int? AppPort, Dictionary<string, string> Extended, (string Name, string Type, string[] Capabilities)[] Components);

/// <summary>An error of the API: Dapr's reason, or its error code where there is none, and the status of the door.</summary>
public sealed class ApiException(string reason, int status, string message) : Exception(message)
{
    public string Reason { get; } = reason;

    public int Status { get; } = status;
}
