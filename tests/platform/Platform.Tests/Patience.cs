using System.Net;
using ScanClient;

namespace Platform.Tests;

/// <summary>A client that does not give up: what a person does who presses the button again.</summary>
internal static class Patience
{
    /// <summary>Repeats a call while the platform cannot be reached or answers 5xx. The call must be safe to repeat.</summary>
    public static async Task<T> RepeatAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or ApiProblemException { Status: >= HttpStatusCode.InternalServerError })
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }
}
