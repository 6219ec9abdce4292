using System.Reflection;

namespace Dapr.Actors.Communication;

/// <summary>The methods of the interfaces of one type of actors, by name and by id.</summary>
internal sealed class ActorMethods
{
    private readonly Dictionary<string, ActorMethod> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Interface, int Method), ActorMethod> _byId = [];

    /// <exception cref="ArgumentException">Two methods have the same name: they could not be told apart on the wire.</exception>
    public ActorMethods(IEnumerable<Type> interfaces)
    {
        foreach (var method in interfaces.SelectMany(type => type.GetMethods()).Select(ActorMethod.Of))
        {
            if (!_byName.TryAdd(method.Name, method))
            {
                throw new ArgumentException($"An actor has two methods with the name {method.Name}.");
            }

            _byId.Add((method.InterfaceId, method.MethodId), method);
        }
    }

    public ActorMethod Find(string name) => _byName.TryGetValue(name, out var method)
        ? method
        : throw new MissingMethodException($"No interface of the actor has a method {name}.");

    public ActorMethod Find(int interfaceId, int methodId) => _byId.TryGetValue((interfaceId, methodId), out var method)
        ? method
        : throw new KeyNotFoundException($"The actor has no method {methodId} of an interface {interfaceId}.");

    /// <exception cref="ArgumentException">It is not an interface of an actor.</exception>
    public static void CheckInterface(Type type)
    {
        if (!type.IsInterface || !typeof(IActor).IsAssignableFrom(type))
        {
            throw new ArgumentException($"{type} is not an interface that extends {nameof(IActor)}.");
        }

        if (type.GetInterfaces().Prepend(type).SelectMany(part => part.GetMethods()).FirstOrDefault(method => !ReturnsTask(method)) is { } wrong)
        {
            throw new ArgumentException($"{wrong.DeclaringType}.{wrong.Name} does not return Task or Task<T>.");
        }
    }

    private static bool ReturnsTask(MethodInfo method) => method.ReturnType == typeof(Task)
        || (method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(Task<>));
}
