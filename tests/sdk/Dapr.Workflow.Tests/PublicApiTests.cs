using TestKit.PublicApi;

namespace Dapr.Workflow.Tests;

public sealed class PublicApiTests
{
    [Fact]
    public void Everything_public_is_official()
    {
        var lists = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Official"), "*.txt");

        // Grpc.Core stands in for types of another package.
        var unofficial = PublicApiCheck.FindUnofficial(typeof(DaprWorkflowClient).Assembly, lists, "Grpc.Core");

        Assert.True(unofficial.Count == 0, string.Join('\n', unofficial));
    }
}
