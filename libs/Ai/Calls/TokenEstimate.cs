using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>About how many tokens a call will take, before anybody knows: for what must be reserved ahead. The provider's own count settles it.</summary>
public static class TokenEstimate
{
    /// <summary>UTF-8 bytes a token: about right for English and Korean text and for JSON.</summary>
    private const int BytesPerToken = 4;

    /// <summary>A picture of the size that we send: providers count 250 to 1,600.</summary>
    private const int PerPicture = 1000;

    /// <summary>An answer whose length nobody limits.</summary>
    private const int PerAnswer = 1000;

    /// <summary>Input and output tokens.</summary>
    public static UsageDetails Of(ModelCall call)
    {
        var (input, output) = call switch
        {
            ChatCall chat => (Text(chat.Options?.Instructions) + chat.Messages.Sum(message => message.Contents.Sum(Content)), OutputOf(chat)),
            EmbeddingCall embedding => (embedding.Values.Sum(Text), 0),
            ImageCall image => (Text(image.Request.Prompt) + (image.Request.OriginalImages?.Sum(Content) ?? 0), PerPicture * (image.Options?.Count ?? 1)),
            _ => (0, 0),
        };
        return new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };
    }

    private static int OutputOf(ChatCall chat) =>
        chat.Options?.MaxOutputTokens ?? (chat.Model.OutputTokens > 0 ? Math.Min(chat.Model.OutputTokens, PerAnswer) : PerAnswer);

    private static int Content(AIContent content) => content switch
    {
        TextContent text => Text(text.Text),
        DataContent or UriContent => PerPicture,
        FunctionResultContent { Result: string text } => Text(text),
        _ => 0,
    };

    private static int Text(string? text) => text is null ? 0 : (System.Text.Encoding.UTF8.GetByteCount(text) + BytesPerToken - 1) / BytesPerToken;
}
