using System.Reflection;
using System.Text.Json.Nodes;
using Contracts;

namespace Architecture.Tests;

/// <summary>What the repository says about its apps and components.</summary>
internal static class Catalogue
{
    /// <summary>App ids with a constant in <c>Contracts.Apps</c>.</summary>
    public static IReadOnlyList<string> AppIds { get; } = Constants(typeof(Apps));

    /// <summary>Component names with a constant in <c>Contracts.Components</c>.</summary>
    public static IReadOnlyList<string> ComponentNames { get; } = Constants(typeof(Components));

    /// <summary>Apps of dapr.yaml.</summary>
    public static IReadOnlyList<JsonNode> Template { get; } = Yaml.Read("dapr.yaml").Single().ListAt("apps");

    /// <summary>Folders that hold a component set.</summary>
    public static string[] ComponentSets =>
        [.. Repository.FoldersIn("components").Select(set => $"components/{set}"), "deploy/k8s/base/components"];

    public static TheoryData<string> Apps => [.. AppIds];

    public static TheoryData<string> Sets => [.. ComponentSets];

    private static string[] Constants(Type type) =>
        [.. type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal)];
}
