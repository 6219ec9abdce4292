using System.Net.Http.Json;
using Contracts;
using Contracts.Users;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.Erasure;

/// <summary>Tells users that this app holds nothing of a person any more. A report that fails fails its handler, whose redelivery reports again.</summary>
public sealed class ErasureReports(HttpClient http, TimeProvider time)
{
    /// <summary>Reports for <paramref name="app"/>, which is the caller.</summary>
    public async Task SendAsync(string app, UserDeleted message, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(
            $"/internal/users/erasures/{Uri.EscapeDataString(message.UserId)}", new UserErased(app, time.GetUtcNow()), TandemJson.Options, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}

/// <summary>Registration.</summary>
public static class ErasureServices
{
    /// <summary>Adds <see cref="ErasureReports"/> and <see cref="ErasureOptions"/>.</summary>
    public static IServiceCollection AddErasure(this IServiceCollection services)
    {
        services.AddOptions<ErasureOptions>().BindConfiguration(ErasureOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddDaprInvokeClient<ErasureReports>(Apps.Users);
    }
}
