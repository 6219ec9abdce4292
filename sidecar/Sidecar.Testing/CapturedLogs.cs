using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sidecar.Testing;

/// <summary>A line of log.</summary>
/// <param name="Source"><c>sidecar</c>, or the id of an app that the host started.</param>
/// <param name="Level">Its level.</param>
/// <param name="Category">Category, as a rule the type that logs.</param>
/// <param name="EventId">Number of the message.</param>
/// <param name="Message">The text.</param>
/// <param name="Exception">What was thrown, or null.</param>
public sealed record LogEntry(string Source, LogLevel Level, string Category, int EventId, string Message, Exception? Exception)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Source} {Level} {Category}: {Message}{(Exception is null ? "" : $" | {Exception.GetType().Name}: {Exception.Message}")}";
}

/// <summary>What the sidecar and the apps of a host have logged, in order.</summary>
public sealed class CapturedLogs
{
    private readonly ConcurrentQueue<LogEntry> _entries = [];

    private readonly Action<string>? _writeLine;

    internal CapturedLogs(Action<string>? writeLine) => _writeLine = writeLine;

    /// <summary>All lines so far.</summary>
    public IReadOnlyList<LogEntry> Entries => [.. _entries];

    /// <summary>Whether some line contains the text.</summary>
    public bool Contains(string text) => _entries.Any(entry => entry.Message.Contains(text, StringComparison.Ordinal));

    /// <summary>All lines, for a failure message.</summary>
    public override string ToString() => string.Join('\n', _entries);

    internal ILoggerProvider For(string source) => new Provider(source, this);

    private void Add(LogEntry entry)
    {
        _entries.Enqueue(entry);
        _writeLine?.Invoke(entry.ToString());
    }

    private sealed class Provider(string source, CapturedLogs logs) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(source, categoryName, logs);

        public void Dispose()
        {
        }
    }

    private sealed class Logger(string source, string category, CapturedLogs logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logs.Add(new LogEntry(source, logLevel, category, eventId.Id, formatter(state, exception), exception));
    }
}
