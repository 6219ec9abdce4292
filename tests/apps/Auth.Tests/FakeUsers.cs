using System.Collections.Concurrent;
using Contracts;
using Contracts.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ServiceDefaults;
using Sidecar.Testing;

namespace Auth.Tests;

/// <summary>The users app as far as auth sees it: one account per identity.</summary>
internal sealed class FakeUsers
{
    /// <summary>User ids by provider and provider user id.</summary>
    public ConcurrentDictionary<(string Provider, string Id), string> Accounts { get; } = new();

    /// <summary>Whether it answers 503.</summary>
    public bool IsAway { get; set; }

    public static async Task<FakeUsers> StartAsync(SidecarHost dapr)
    {
        var users = new FakeUsers();
        await dapr.StartAppAsync(Apps.Users, app => app.MapPost("/internal/users/sign-in", async (HttpContext http) =>
        {
            var command = await http.Request.ReadFromJsonAsync<SignInUser>(TandemJson.Options);
            return users.IsAway
                ? Results.StatusCode(503)
                : Results.Json(new SignedInUser(users.Accounts.GetOrAdd((command!.Provider, command.ProviderUserId), _ => Guid.NewGuid().ToString()), false), TandemJson.Options);
        }));
        return users;
    }
}
