namespace Dapr.Workflow.Tests;

public sealed class WorkflowTaskFailureDetailsTests
{
    [Theory]
    [InlineData("System.ArgumentNullException", true)]
    [InlineData("System.ArgumentException", true)]
    [InlineData("System.FormatException", false)]
    [InlineData("No.Such.Type", false)]
    [InlineData("Error, of another language", false)]
    [InlineData("", false)]
    public void Cause_is_found_by_type_and_base_type(string errorType, bool expected) =>
        Assert.Equal(expected, new WorkflowTaskFailureDetails(errorType, "text").IsCausedBy<ArgumentException>());
}
