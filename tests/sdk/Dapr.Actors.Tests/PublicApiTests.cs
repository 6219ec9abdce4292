using System.Reflection;
using System.Text.RegularExpressions;
using Dapr.Actors.Runtime;
using Microsoft.Extensions.DependencyInjection;
using TestKit.PublicApi;

namespace Dapr.Actors.Tests;

public sealed partial class PublicApiTests
{
    /// <summary>What generated code of the official package is made of.</summary>
    private static readonly string[] LeftOut =
    [
        "Dapr.Actors.Builder.", "Dapr.Actors.Communication.IActorMessageBodyFactory", "Dapr.Actors.Communication.IActorRequestMessage ",
        "Dapr.Actors.Communication.IActorRequestMessageBody", "Dapr.Actors.Communication.IActorResponseMessage ",
        "Dapr.Actors.Communication.IActorResponseMessageBody", "WrappedMessage",
    ];

    public static TheoryData<Assembly> Assemblies => [typeof(Actor).Assembly, typeof(ActorsServiceCollectionExtensions).Assembly];

    [Theory]
    [MemberData(nameof(Assemblies), DisableDiscoveryEnumeration = true)]
    public void Everything_public_is_official(Assembly assembly)
    {
        var lists = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt");

        var unofficial = PublicApiCheck.FindUnofficial(assembly, lists);

        Assert.True(unofficial.Count == 0, string.Join('\n', unofficial));
    }

    [Theory]
    [MemberData(nameof(Assemblies), DisableDiscoveryEnumeration = true)]
    public void Everything_official_is_here_but_what_generated_code_needs(Assembly assembly)
    {
        var here = PublicApiLister.List(assembly).ToDictionary(type => type.Name, type => type.Members.Select(Plain).ToHashSet());
        var missing = new List<string>();
        var type = "";
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Official", $"{assembly.GetName().Name}.txt")).Where(line => line is not ['#', ..]))
        {
            if (TypeName().Match(line) is { Success: true } match)
            {
                type = match.Groups[1].Value;
            }
            else if (line.Length > 0 && !LeftOut.Any(name => $"{type} ".StartsWith(name, StringComparison.Ordinal))
                && !(here.TryGetValue(type, out var members) && members.Contains(Plain(line))))
            {
                missing.Add($"{type}: {line}");
            }
        }

        Assert.Equal(
            assembly == typeof(Actor).Assembly
                ?
                [
                    "protected bool CheckIfItsWrappedRequest", "protected Task ContinueWith", "protected Task<TRetval> ContinueWithResult<TRetval>",
                    "protected Dapr.Actors.Communication.IActorRequestMessageBody CreateRequestMessageBody", "protected virtual object GetReturnValue",
                    "protected Task<Dapr.Actors.Communication.IActorResponseMessageBody> InvokeMethodAsync",
                    "public Dapr.Actors.Runtime.TimerInfo TimerInfo { get; }",
                ]
                : [],
            missing.Select(member => member.Split(": ", 2)[1].Trim().Split('(')[0]));
    }

    private static string Plain(string member) => Attributes().Replace(member.Trim(), "").Replace("?", "", StringComparison.Ordinal);

    [GeneratedRegex(@"^\S.*(?:class|struct|interface|enum) (\S+)")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\[[A-Z]\w+(\([^\]]*\))?\] ")]
    private static partial Regex Attributes();
}
