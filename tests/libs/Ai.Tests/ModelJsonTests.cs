using System.Text.Json;

namespace Ai.Tests;

public sealed class ModelJsonTests
{
    private sealed record Part(string Name);

    private sealed record Answer(string Text, int Count, Part Part, string? Note, IReadOnlyList<string>? Tags = null);

    private static Answer Read(string text, int maxLength = 100, Func<Answer, string?>? problem = null) =>
        ModelJson.Read(text, JsonSerializerOptions.Web, problem, maxLength);

    [Theory]
    [InlineData("""{"text":"a","count":1,"part":{"name":"n"},"note":null}""")]
    [InlineData("""  {"text":"a","count":1,"part":{"name":"n"},"note":"x","tags":null,"more":[1]} """)]
    [InlineData("```json\n{\"text\":\"a\",\"count\":1,\"part\":{\"name\":\"n\"},\"note\":null}\n```")]
    [InlineData("```\n{\"text\":\"a\",\"count\":1,\"part\":{\"name\":\"n\"},\"note\":null}\n```\n")]
    public void Takes_what_fits(string text) => Assert.Equal(("a", "n"), (Read(text).Text, Read(text).Part.Name));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("I think it is paper")]
    [InlineData("``````")]
    [InlineData("```json\n")]
    [InlineData("""{"text":"a","count":1,"part":{"name":"n"}}""")]
    [InlineData("""{"text":null,"count":1,"part":{"name":"n"},"note":null}""")]
    [InlineData("""{"text":"a","count":"many","part":{"name":"n"},"note":null}""")]
    [InlineData("""{"text":"a","count":1,"part":{},"note":null}""")]
    [InlineData("""{"text":"a","count":1,"part":{"name":"n"},"note":null} and more""")]
    [InlineData("""{"text":"a","count":1,"part":{"name":"n"},"note":"an answer that is longer than the caller wants to take"}""")]
    public void Refuses_the_rest_without_repeating_it(string text)
    {
        var failure = Assert.Throws<ModelException>(() => Read(text));

        Assert.Equal(ModelFailure.AnswerInvalid, failure.Failure);
        Assert.Equal("the model's answer is not the JSON that was asked for", failure.Message);
        Assert.Null(failure.InnerException);
    }

    [Fact]
    public void The_callers_own_check_decides_last()
    {
        const string Text = """{"text":"a","count":-1,"part":{"name":"n"},"note":null}""";

        Assert.Equal(-1, Read(Text, problem: _ => null).Count);
        var failure = Assert.Throws<ModelException>(() => Read(Text, problem: answer => answer.Count < 0 ? "counts below nothing" : null));
        Assert.Equal("the model's answer counts below nothing", failure.Message);
    }
}
