namespace Dapr.Actors.Runtime;

/// <summary>Says how an actor is known.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = false)]
public sealed class ActorAttribute : Attribute
{
    /// <summary>Name of the actor's type; default is the name of its class.</summary>
    public string? TypeName { get; set; }
}
