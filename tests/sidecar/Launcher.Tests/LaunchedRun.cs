using System.Diagnostics;
using System.Text;
using Launcher.Data;
using LocalServers.Processes;
using TestKit;

namespace Launcher.Tests;

/// <summary>A launcher process on a template of its own, in a folder with a space in its name.</summary>
internal sealed class LaunchedRun : IAsyncDisposable
{
    /// <summary>Far more than anything here takes; a loaded machine must not fail a test.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TempDirectory _temp = new();
    private readonly StringBuilder _text = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _grown = New();
    private Process? _process;

    public LaunchedRun()
    {
        Folder = Path.Combine(_temp.Path, "a folder");
        Directory.CreateDirectory(Folder);
        Data = new DataDirectory(Path.Combine(Folder, ".data"));
    }

    public string Folder { get; }

    public DataDirectory Data { get; }

    public int Pid => _process!.Id;

    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>Writes dapr.yaml; the apps live in the folder <c>app</c>.</summary>
    public void Template(params string[] apps)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "app"));
        File.WriteAllText(Path.Combine(Folder, "dapr.yaml"), $"version: 1\napps:\n{string.Concat(apps.Select(app => $"  - {{appDirPath: ./app, {app}}}\n"))}");
    }

    /// <summary>An app that is a shell script.</summary>
    public static string Shell(string id, string script, string fields = "") =>
        $"appID: {id}, {fields} command: [sh, -c, \"{script.Replace("\"", "\\\"", StringComparison.Ordinal)}\"]";

    public void Start(params string[] arguments) => StartVerb(["run", "-f", Folder, "--no-build", .. arguments]);

    public void StartVerb(params string[] arguments) => StartVerb(new Dictionary<string, string?>(), arguments);

    public void StartVerb(IReadOnlyDictionary<string, string?> environment, params string[] arguments) =>
        StartProgram(environment, "dotnet", [Path.Combine(AppContext.BaseDirectory, "Launcher.dll"), .. arguments]);

    /// <param name="environment">Null takes a variable away.</param>
    /// <param name="program">Looked up in PATH.</param>
    /// <param name="arguments">Of the program.</param>
    public void StartProgram(IReadOnlyDictionary<string, string?> environment, string program, params string[] arguments)
    {
        // A shell that starts the tests in the background has INT ignored, which would be handed down.
        var start = new ProcessStartInfo("/usr/bin/env", ["--default-signal", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Folder,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public async Task<string> SeesAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task grown;
            lock (_gate)
            {
                grown = _grown.Task;
            }

            if (Output is var output && output.Contains(text, StringComparison.Ordinal))
            {
                return output;
            }

            try
            {
                await grown.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"did not see '{text}' in:\n{Output}");
            }
        }
    }

    public async Task<int> ExitsAsync()
    {
        await _process!.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    public void Signal(int signal) => Libc.Signal(Pid, signal);

    public RunState State => RunState.Read(Data) ?? throw new InvalidOperationException($"no state; output:\n{Output}");

    public int PidOf(string name) => State.Processes.Single(process => process.Name == name).Pid ?? 0;

    /// <summary>Asks until it holds: other processes' ends give this one no signal.</summary>
    public async Task UntilAsync(Func<bool> holds, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!holds())
        {
            Assert.False(patience.IsCancellationRequested, $"{what}; output:\n{Output}");
            await Task.Delay(20);
        }
    }

    /// <summary>A process that has ended but that nobody has collected yet is gone, too.</summary>
    public static bool IsGone(int pid) =>
        !Libc.Exists(pid) || (File.Exists($"/proc/{pid}/stat") && Libc.ReadUnlocked($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            Signal(Libc.SigTerm);
            await ExitsAsync();
        }

        _process?.Dispose();
        _temp.Dispose();
    }

    private void Add(string? line)
    {
        lock (_gate)
        {
            _text.AppendLine(line);
            _grown.TrySetResult();
            _grown = New();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
