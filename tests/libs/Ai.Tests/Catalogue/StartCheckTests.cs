using Ai.Catalogue;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ai.Tests.Catalogue;

/// <summary>What is wrong with the configuration is said at the start, in one sentence that names the setting.</summary>
public sealed class StartCheckTests
{
    [Theory]
    [InlineData("Ai:Providers:x:Kind: 'bedrock' is none of openai, anthropic, gemini, vertex, local", "Ai:Providers:x:Kind=bedrock")]
    [InlineData("Ai:Providers:a/b: a provider's name has no '/', which separates it from a model's", "Ai:Providers:a/b:Kind=openai")]
    [InlineData("Ai:Providers:openai:Api: The field Api must match the regular expression 'chat|responses'.", "Ai:Providers:openai:Api=soap")]
    [InlineData("Ai:Providers:openai:Keys:1:Weight: The field Weight must be between 1 and 1000.", "Ai:Providers:openai:Keys:0:Value=a", "Ai:Providers:openai:Keys:1:Weight=0")]
    [InlineData("Ai:Providers:openai:Keys:0:RequestsPerMinute: The field RequestsPerMinute must be between 0 and 10000000.", "Ai:Providers:openai:Keys:0:RequestsPerMinute=-1")]
    [InlineData("Ai:Providers:openai:Keys:0: a key has a Secret or a Value, not both", "Ai:Providers:openai:Keys:0:Secret=s", "Ai:Providers:openai:Keys:0:Value=sk-hidden")]
    [InlineData("Ai:Providers:vertex: credentials are in CredentialsFile or in CredentialsSecret, not in both", "Ai:Providers:vertex:CredentialsFile=f", "Ai:Providers:vertex:CredentialsSecret=s")]
    [InlineData("Ai:Providers:o:BaseUrl: needs an address that begins with http:// or https://", "Ai:Providers:o:BaseUrl=localhost:11434")]
    [InlineData("Ai:Providers:o:BaseUrl: needs an address that begins with http:// or https://", "Ai:Providers:o:BaseUrl=/v1")]
    [InlineData("Ai:Providers:o:BaseUrl: an address has no user and password; keys go into Ai:Providers:o:Keys", "Ai:Providers:o:BaseUrl=https://me:sk-hidden@host/v1")]
    [InlineData("Ai:Providers:o:BaseUrl: a key would go to models.example unencrypted; use https, or set Ai:Providers:o:AllowKeyOverHttp where the network is trusted",
        "Ai:Providers:o:BaseUrl=http://models.example/v1", "Ai:Providers:o:Keys:0:Value=sk-hidden")]
    [InlineData("Ai:Providers:openai:Calls:Retries: The field Retries must be between 0 and 10.", "Ai:Providers:openai:Calls:Retries=99")]
    [InlineData("Ai:Models:gpt-5.2: the id 'gpt-5.2' does not begin with a configured provider and '/'; configured: local", "Ai:Models:gpt-5.2:ContextTokens=5")]
    [InlineData("Ai:Models:local:ContextTokens: The field ContextTokens must be between 1 and 2147483647.", "Ai:Models:local:ContextTokens=0")]
    [InlineData("Ai:Models:local: '3b' is no setting of a model; an id that has a ':' goes into the setting Id of an entry with another name", "Ai:Models:local:3b:ContextTokens=5")]
    [InlineData("Ai:Model: model 'gtp-5.2' is not supported; supported: local", "Ai:Model=gtp-5.2")]
    [InlineData("Ai:Model: model 'gpt-5.2' is not supported, because provider openai is not configured; supported: local", "Ai:Model=gpt-5.2")]
    [InlineData("Ai:Tasks:answer:Fast: model 'nobody/x' is not supported; supported: local", "Ai:Tasks:answer:Fast=nobody/x")]
    [InlineData("Ai:Fallback:local:1: model 'x' is not supported; supported: local", "Ai:Fallback:local:0=local", "Ai:Fallback:local:1=x")]
    [InlineData("Ai:Fallback:x: model 'x' is not supported; supported: local", "Ai:Fallback:x:0=local")]
    [InlineData("Ai:Tasks:draw:Fast: local cannot do Tools, which the task needs; no configured model can", "Ai:Tasks:draw:Fast=local")]
    [InlineData("Ai:Model: local cannot do Tools, which task draw needs; give the task another in Ai:Tasks:draw:Standard; no configured model can", "Ai:Model=local")]
    public void Stops_the_start(string problem, params string[] settings)
    {
        using var services = Settings.Models(settings).AddModelTask("draw", ModelCapabilities.Tools).BuildServiceProvider();

        var failure = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());

        Assert.Equal([problem], failure.Failures);
        Assert.DoesNotContain("sk-hidden", failure.ToString());
    }

    [Theory]
    [InlineData]
    [InlineData("Ai:Providers:openai:Keys:0:Secret=not-there")]
    [InlineData("Ai:Providers:anthropic:Kind=anthropic")]
    [InlineData("Ai:Providers:o:BaseUrl=http://127.0.0.1:1/v1", "Ai:Providers:o:Keys:0:Value=k")]
    [InlineData("Ai:Providers:o:BaseUrl=http://vllm.models.svc:8000/v1")]
    [InlineData("Ai:Providers:o:BaseUrl=http://vllm.models.svc:8000/v1", "Ai:Providers:o:Keys:0:Value=k", "Ai:Providers:o:AllowKeyOverHttp=true")]
    [InlineData("Ai:Providers:ollama:BaseUrl=http://127.0.0.1:11434/v1", "Ai:Model=ollama/llama3.2")]
    [InlineData("OPENAI_API_KEY=k", "Ai:Model=gpt-9", "Ai:Fallback:gpt-9:0=local")]
    [InlineData("OPENAI_API_KEY=k", "Ai:Model=gpt-5.2", "Ai:Tasks:draw:Standard=gpt-image-1.5")]
    public void Lets_an_app_start(params string[] settings)
    {
        var declared = settings.Any(setting => setting.StartsWith("Ai:Tasks:draw", StringComparison.Ordinal));
        using var services = Settings.Models(settings).AddModelTask(declared ? "draw" : "talk", declared ? ModelCapabilities.Images : ModelCapabilities.Chat).BuildServiceProvider();

        services.GetRequiredService<IStartupValidator>().Validate();
        Assert.NotEmpty(services.GetRequiredService<IModels>().All);
    }
}
