namespace Dapr.Actors;

/// <summary>Base of the interfaces by which actors are called. Their methods return <see cref="Task"/> or <see cref="Task{TResult}"/>.</summary>
public interface IActor;
