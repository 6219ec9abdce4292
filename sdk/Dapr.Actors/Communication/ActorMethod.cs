using System.Collections.Concurrent;
using System.Reflection;

namespace Dapr.Actors.Communication;

/// <summary>A method of an actor's interface: how it is known on the wire and how it is called.</summary>
internal sealed class ActorMethod
{
    private static readonly ConcurrentDictionary<MethodInfo, ActorMethod> Known = new();

    private readonly MethodInfo _method;
    private readonly Func<Task, object?> _result = _ => null;
    private readonly Func<Task<object?>, Task> _toTask = task => task;

    private ActorMethod(MethodInfo method)
    {
        _method = method;
        var parameters = method.GetParameters();
        TakesToken = parameters.Length > 0 && parameters[^1].ParameterType == typeof(CancellationToken);
        Parameters = TakesToken ? parameters[..^1] : parameters;
        InterfaceId = RemotingIds.OfInterface(method.DeclaringType!);
        MethodId = RemotingIds.OfMethod(method);
        if (method.ReturnType.IsGenericType)
        {
            ResultType = method.ReturnType.GetGenericArguments()[0];
            _result = Helper<Func<Task, object?>>(nameof(ResultOf));
            _toTask = Helper<Func<Task<object?>, Task>>(nameof(ToTaskOf));
        }
    }

    public string Name => _method.Name;

    public int InterfaceId { get; }

    public int MethodId { get; }

    /// <summary>Without the token at the end.</summary>
    public IReadOnlyList<ParameterInfo> Parameters { get; }

    public bool TakesToken { get; }

    /// <summary>Type of the result; null when there is none.</summary>
    public Type? ResultType { get; }

    public static ActorMethod Of(MethodInfo method) => Known.GetOrAdd(method, static method => new ActorMethod(method));

    public async Task<object?> InvokeAsync(object actor, object?[] arguments, CancellationToken cancellationToken)
    {
        object?[] all = TakesToken ? [.. arguments, cancellationToken] : arguments;
        var task = (Task)_method.Invoke(actor, BindingFlags.DoNotWrapExceptions, null, all, null)!;
        await task.ConfigureAwait(false);
        return _result(task);
    }

    /// <summary>The task that a caller of the method awaits.</summary>
    public Task ToTask(Task<object?> result) => _toTask(result);

    private T Helper<T>(string name) where T : Delegate => typeof(ActorMethod)
        .GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(ResultType!).CreateDelegate<T>();

    private static object? ResultOf<T>(Task task) => ((Task<T>)task).Result;

    private static async Task<T> ToTaskOfAsync<T>(Task<object?> result) => (T)(await result.ConfigureAwait(false))!;

    private static Task ToTaskOf<T>(Task<object?> result) => ToTaskOfAsync<T>(result);
}
