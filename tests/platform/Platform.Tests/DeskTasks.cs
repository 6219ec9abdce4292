using System.Text.Json;
using ScanClient;

namespace Platform.Tests;

/// <summary>Waits for what desk promises of a task.</summary>
internal static class DeskTasks
{
    /// <summary>The stream of a task, read to its end.</summary>
    public static async Task<JobStream> FollowAsync(ScanUser user, Guid task, CancellationToken cancellationToken)
    {
        var stream = new JobStream(user, "/api/v1/jobs");
        await stream.ReadToEndAsync(task, cancellationToken);
        Assert.Empty(stream.Violations);
        return stream;
    }

    /// <summary>All that came, when so many messages are delivered by one attempt each.</summary>
    public static async Task<IReadOnlyCollection<CallbackAttempt>> DeliveredAsync(
        CallbackReceiver receiver, ScanUser user, int messages, CancellationToken cancellationToken)
    {
        while (receiver.Attempts.DistinctBy(attempt => attempt.Id).Count() < messages)
        {
            await Task.Delay(20, cancellationToken);
        }

        foreach (var id in receiver.Attempts.Select(attempt => attempt.Id).Distinct())
        {
            JsonElement delivery;
            while ((delivery = await user.GetAsync($"/api/v1/desk/callbacks/{id}", cancellationToken)).GetProperty("state").GetString() != "delivered")
            {
                await Task.Delay(20, cancellationToken);
            }

            Assert.Single(delivery.GetProperty("attempts").EnumerateArray());
        }

        return receiver.Attempts;
    }
}
