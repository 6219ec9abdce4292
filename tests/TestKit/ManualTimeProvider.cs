using Sidecar.Testing;

namespace TestKit;

/// <summary>The test host's clock, for code that is tested without a sidecar.</summary>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : VirtualClock(start);
