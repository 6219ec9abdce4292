using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ServiceDefaults.GuardedFetch;

namespace Desk.Tests;

/// <summary>Names that mean what the test says: answers per name one after the other, the last one stays. Other names are not found.</summary>
internal sealed class Names : IHostResolver
{
    private readonly ConcurrentDictionary<string, IPAddress[][]> _answers = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>Each answer is addresses separated by blanks.</summary>
    public Names With(string name, params string[] answers)
    {
        _answers[name] = [.. answers.Select(answer => answer.Split(' ').Select(IPAddress.Parse).ToArray())];
        return this;
    }

    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        Asked.Enqueue(host);
        return _answers.TryGetValue(host, out var answers)
            ? Task.FromResult(answers[Math.Min(Asked.Count(asked => asked == host), answers.Length) - 1])
            : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
    }
}
