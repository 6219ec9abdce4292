using System.Reflection;
using Dapr.Actors.Runtime;
using Microsoft.Extensions.DependencyInjection;
using TestKit.PublicApi;

namespace Dapr.Actors.Tests;

public sealed class PublicApiTests
{
    public static TheoryData<Assembly> Assemblies => [typeof(Actor).Assembly, typeof(ActorsServiceCollectionExtensions).Assembly];

    [Theory]
    [MemberData(nameof(Assemblies), DisableDiscoveryEnumeration = true)]
    public void Everything_public_is_official(Assembly assembly)
    {
        var lists = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt");

        var unofficial = PublicApiCheck.FindUnofficial(assembly, lists);

        Assert.True(unofficial.Count == 0, string.Join('\n', unofficial));
    }
}
