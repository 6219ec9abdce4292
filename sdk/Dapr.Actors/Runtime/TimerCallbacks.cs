using System.Reflection;

namespace Dapr.Actors.Runtime;

/// <summary>Methods that timers call: by name, private ones and those of base classes too, with the timer's bytes or nothing.</summary>
internal static class TimerCallbacks
{
    /// <exception cref="ArgumentException">There is no such method that a timer could call.</exception>
    public static MethodInfo Find(Type actorType, string? name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, "callback");
        for (var type = actorType; type is not null; type = type.BaseType)
        {
            var methods = type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
            if (Array.Find(methods, method => method.Name == name) is { } method)
            {
                return IsCallable(method)
                    ? method
                    : throw new ArgumentException($"{actorType}.{name} must return Task and take nothing or a byte[] to be the callback of a timer.", nameof(name));
            }
        }

        throw new ArgumentException($"{actorType} has no method {name}.", nameof(name));
    }

    /// <summary>Calls the method; true only when it is a <c>Task&lt;bool&gt;</c> with that result.</summary>
    public static async Task<bool> CallAsync(Actor actor, string? name, byte[] data)
    {
        var method = Find(actor.GetType(), name);
        object[] arguments = method.GetParameters().Length == 0 ? [] : [data];
        var task = (Task)method.Invoke(actor, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;
        await task.ConfigureAwait(false);
        return task is Task<bool> { Result: true };
    }

    private static bool IsCallable(MethodInfo method) => typeof(Task).IsAssignableFrom(method.ReturnType)
        && method.GetParameters() is var parameters
        && (parameters.Length == 0 || (parameters.Length == 1 && parameters[0].ParameterType == typeof(byte[])));
}
