using System.Net;
using System.Net.Sockets;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Moderation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelServers;
using ModelServers.OpenAi;

namespace Ai.Tests.Policies;

/// <summary>All policies around a real protocol server that has a fault until it recovers.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    public const int Retries = 2;
    public const int AnswerRetries = 1;
    public const string Model = "openai/gpt-5.2";

    /// <summary>How both keys begin: nothing else that is logged does, no path of a stack trace either.</summary>
    public const string KeyStart = "sk-Zq7";

    public const string FirstKey = $"{KeyStart}first";
    public const string SecondKey = $"{KeyStart}second";
    public const string LocalAnswer = "from here";

    private readonly Fault _fault;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ModelServer _server = new();

    /// <summary>Holds the port of the server: until it listens, who connects is refused.</summary>
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private readonly ServiceProvider _services;
    private WebApplication? _app;
    private volatile bool _failing = true;

    private FaultRun(Fault fault, (string Key, string Value)[] settings)
    {
        _fault = fault;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _server.Brain = request => _failing && HasFault(request) ? Reply() : ModelReply.Text("ok");
        _services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(Log))
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            [
                new("Ai:Providers:openai:BaseUrl", $"http://{_socket.LocalEndPoint}/v1"),
                new("Ai:Providers:openai:Keys:0:Value", FirstKey),
                new("Ai:FallbackByDefault", "false"),
                new("Ai:Calls:Retries", $"{Retries}"),
                new("Ai:Calls:AnswerRetries", $"{AnswerRetries}"),
                new("Ai:Calls:RetryDelay", "00:00:00.001"),
                new("Ai:Calls:MaxRetryDelay", "00:00:00.010"),
                new("Ai:Calls:NetworkRetryDelay", "00:00:00.001"),
                new("Ai:Calls:MaxNetworkRetryDelay", "00:00:00.010"),
                new("Ai:Calls:AnswerRetryDelay", "00:00:00.001"),
                new("Ai:Calls:MaxAnswerRetryDelay", "00:00:00.010"),
                new("Ai:Calls:BreakerFailures", "1000"),
                new("Ai:Calls:FirstByteTimeout", fault is { Hangs: true, Given: "" } ? $"{SkippingTime.Limit}" : "00:01:00"),
                new("Ai:Calls:IdleTimeout", fault.Hangs ? $"{SkippingTime.Limit}" : "00:01:00"),
            ])
            .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))).Build())
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton<IModerator>(Moderator)
            .AddModels()
            .AddLocalSkill<Skill>()
            .BuildServiceProvider();
    }

    /// <summary>Which requests have the fault; all by default.</summary>
    public Func<ModelRequest, bool> HasFault { get; set; } = _ => true;

    public SkippingTime Time { get; } = new();

    public CountingModerator Moderator { get; } = new();

    public LogText Log { get; } = new();

    public IReadOnlyList<ModelRequest> Requests => _server.Requests;

    public string[] Keys => [.. _server.Requests.Select(request => request.Key!)];

    public int Running => _server.Running;

    public ModelOutage? Outage => _services.GetRequiredService<IModelHealth>().OutageOf(_services.GetRequiredService<IModels>().Find(Model));

    public static async Task<FaultRun> StartAsync(Fault fault, params (string Key, string Value)[] settings)
    {
        var run = new FaultRun(fault, settings);
        if (fault.Reply is not null)
        {
            await run.ListenAsync();
        }

        return run;
    }

    /// <summary>Makes a call and tells what its user sees.</summary>
    public async Task<Seen> CallAsync(CallScope? scope = null)
    {
        var client = _services.GetRequiredService<IModels>().Chat(Model);
        var options = ChatTasks.For(scope ?? new CallScope { Task = Skill.Name });
        options.MaxOutputTokens = 99;
        var text = "";
        try
        {
            if (!_fault.Streamed)
            {
                var response = await client.GetResponseAsync("q", options, TestContext.Current.CancellationToken);
                return new Seen(response.Text, Failure: null, Served.Of(response));
            }

            Served? served = null;
            await foreach (var update in client.GetStreamingResponseAsync("q", options, TestContext.Current.CancellationToken))
            {
                text += update.Text;
                if (_fault.Hangs && text.Length > 0 && text == _fault.Given)
                {
                    // The server says no more; what waits for it has waited long enough.
                    Time.Pass();
                }

                served = update.AdditionalProperties?.GetValueOrDefault(Served.Key) as Served ?? served;
            }

            return new Seen(text, Failure: null, served);
        }
        catch (ModelException exception)
        {
            return new Seen(text, exception, Served: null);
        }
    }

    /// <summary>The provider is well again.</summary>
    public async Task RecoverAsync()
    {
        _failing = false;
        if (_app is null)
        {
            await ListenAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _end.TrySetResult();
        await _services.DisposeAsync();
        if (_app is not null)
        {
            await _app.StopAsync(new CancellationToken(canceled: true));
            await _app.DisposeAsync();
        }

        _socket.Dispose();
    }

    private ModelReply Reply()
    {
        if (_fault is { Hangs: true, Given: "" })
        {
            // The request is here; who waits for its answer has waited long enough.
            Time.Pass();
        }

        return _fault.Reply!(_end.Task);
    }

    private async Task ListenAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://{_socket.LocalEndPoint}");
        builder.Services.Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = _ => _socket);
        _app = builder.Build();
        _server.Map(_app, new OpenAiProtocol());
        await _app.StartAsync();
    }

    /// <summary>What the user of a call sees of it.</summary>
    public sealed record Seen(string Text, ModelException? Failure, Served? Served);

    /// <summary>A clock that stands at noon and moves only by <see cref="Skip"/>. Timers are real; those of <see cref="Limit"/> can be ended.</summary>
    public sealed class SkippingTime : TimeProvider
    {
        /// <summary>The wait that <see cref="Pass"/> ends; no other is as long.</summary>
        public static readonly TimeSpan Limit = TimeSpan.FromSeconds(59);

        private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        private readonly HashSet<LimitTimer> _armed = [];
        private bool _passes;
        private long _skipped;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Skip(TimeSpan by) => Interlocked.Add(ref _skipped, by.Ticks);

        /// <summary>Ends what waits for <see cref="Limit"/>; when nothing does, the next wait of it ends as it begins.</summary>
        public void Pass()
        {
            lock (_armed)
            {
                _passes = _armed.Count == 0;
                foreach (var timer in _armed)
                {
                    timer.End();
                }

                _armed.Clear();
            }
        }

        public override DateTimeOffset GetUtcNow() => Noon.AddTicks(Interlocked.Read(ref _skipped));

        public override long GetTimestamp() => Interlocked.Read(ref _skipped);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new LimitTimer(this, base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
            timer.Change(dueTime, period);
            return timer;
        }

        private sealed class LimitTimer(SkippingTime time, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                lock (time._armed)
                {
                    time._armed.Remove(this);
                    if (dueTime != Limit)
                    {
                        return timer.Change(dueTime, period);
                    }

                    if (time._passes)
                    {
                        time._passes = false;
                        return timer.Change(TimeSpan.Zero, period);
                    }

                    time._armed.Add(this);
                    return timer.Change(dueTime, period);
                }
            }

            public void End() => timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

            public void Dispose()
            {
                Forget();
                timer.Dispose();
            }

            public ValueTask DisposeAsync()
            {
                Forget();
                return timer.DisposeAsync();
            }

            private void Forget()
            {
                lock (time._armed)
                {
                    time._armed.Remove(this);
                }
            }
        }
    }

    /// <summary>Lets everything pass and keeps it.</summary>
    public sealed class CountingModerator : IModerator
    {
        public List<string> Inputs { get; } = [];

        public string Output { get; private set; } = "";

        public int Window => 0;

        public ValueTask<ModerationVerdict> CheckAsync(ModeratedText direction, ReadOnlyMemory<char> text, CancellationToken cancellationToken)
        {
            if (direction == ModeratedText.Input)
            {
                Inputs.Add(text.ToString());
            }
            else
            {
                Output += text.ToString();
            }

            return default;
        }
    }

    /// <summary>All that is logged.</summary>
    public sealed class LogText : ILoggerProvider, ILogger
    {
        private readonly List<string> _lines = [];

        public string Text
        {
            get
            {
                lock (_lines)
                {
                    return string.Join('\n', _lines);
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
            {
                _lines.Add($"{logLevel}: {formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }

    private sealed class Skill : ILocalSkill
    {
        public const string Name = "matrix";

        public string Task => Name;

        public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken) =>
            System.Threading.Tasks.Task.FromResult(LocalAnswer);
    }
}
