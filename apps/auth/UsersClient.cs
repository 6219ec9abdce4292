using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Auth.UserRoles;
using Contracts.Users;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using ServiceDefaults;

namespace Auth;

/// <summary>Finds and creates accounts in users, by service invocation.</summary>
internal sealed class UsersClient(HttpClient http, UsersPolicy policy, RoleStore roles)
{
    /// <summary>
    /// The account of somebody who was recognised. Repeated while users fails, see <see cref="UsersPolicy"/>; that is safe, because users is idempotent
    /// by provider and provider user id.
    /// </summary>
    /// <exception cref="HttpRequestException">users failed, also after repetitions.</exception>
    /// <exception cref="TimeoutRejectedException">users did not answer in time.</exception>
    /// <exception cref="BrokenCircuitException">users has failed too often to be asked now.</exception>
    public async Task<SignedInUser> SignInAsync(SignInUser command, CancellationToken cancellationToken)
    {
        var user = await policy.Pipeline.ExecuteAsync(async token =>
        {
            using var response = await http.PostAsJsonAsync("/internal/users/sign-in", command, TandemJson.Options, token);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<SignedInUser>(TandemJson.Options, token) ?? throw new JsonException("users answered nothing");
        }, cancellationToken);
        await roles.SignedInAsync(command.Provider, command.ProviderUserId, user.UserId, cancellationToken);
        return user;
    }
}

/// <summary>
/// How users is asked: a limit per try, repetitions with growing pauses, and a breaker that every try goes through. In code and not in a Resiliency
/// resource, which has no first pause of a retry (daprd's is 500 ms) and would also repeat what the gateway sends to users, were it not scoped.
/// While the own sidecar or users restarts, a try waits for it within its limit (<see cref="SidecarRetryHandler"/>).
/// </summary>
internal sealed class UsersPolicy(IOptions<AuthOptions> options, TimeProvider time)
{
    public ResiliencePipeline Pipeline { get; } = Build(options.Value, time);

    private static ResiliencePipeline Build(AuthOptions options, TimeProvider time)
    {
        var failures = new PredicateBuilder().Handle<TimeoutRejectedException>().Handle<JsonException>()
            .Handle<HttpRequestException>(failure => failure.StatusCode is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError);
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.UsersRetries > 0)
        {
            pipeline.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = failures,
                MaxRetryAttempts = options.UsersRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.UsersRetryDelay,
                MaxDelay = options.UsersMaxRetryDelay,
            });
        }

        // Every failure of the window counts and none may be a success: failures in a row.
        return pipeline
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = failures,
                FailureRatio = 1,
                MinimumThroughput = options.UsersBreakAfter,
                SamplingDuration = options.UsersBreak,
                BreakDuration = options.UsersBreak,
            })
            .AddTimeout(new TimeoutStrategyOptions { Timeout = options.UsersTimeout })
            .Build();
    }
}
