using Microsoft.Extensions.AI;

namespace Ai.Moderation;

/// <summary>
/// A streamed answer whose text passes through a window: the last characters, of which something forbidden could still come to be, are held back until
/// what follows them is there, or something else than text, or the end.
/// </summary>
internal sealed class ModeratedStream(
    IAsyncEnumerator<ChatResponseUpdate> updates, int window, Func<ReadOnlyMemory<char>, ValueTask> check) : IAsyncEnumerator<ChatResponseUpdate>
{
    private string _held = "";
    private bool _ended;

    public ChatResponseUpdate Current { get; private set; } = null!;

    /// <summary>Stands on the first piece, as what it reads from does.</summary>
    public async ValueTask<ModeratedStream> OpenAsync()
    {
        Current = await PassAsync(updates.Current);
        return this;
    }

    public async ValueTask<bool> MoveNextAsync()
    {
        if (_ended)
        {
            return false;
        }

        if (await updates.MoveNextAsync())
        {
            Current = await PassAsync(updates.Current);
            return true;
        }

        _ended = true;
        if (_held.Length == 0)
        {
            return false;
        }

        Current = new ChatResponseUpdate(ChatRole.Assistant, _held);
        _held = "";
        return true;
    }

    public ValueTask DisposeAsync() => updates.DisposeAsync();

    /// <summary>The update with the text that may be shown now.</summary>
    private async ValueTask<ChatResponseUpdate> PassAsync(ChatResponseUpdate update)
    {
        var contents = new List<AIContent>(update.Contents.Count + 1);
        foreach (var content in update.Contents)
        {
            if (content is TextContent text)
            {
                if (await ReleaseAsync(text.Text) is { Length: > 0 } free)
                {
                    contents.Add(new TextContent(free));
                }
            }
            else
            {
                if (_held.Length > 0)
                {
                    contents.Add(new TextContent(_held));
                    _held = "";
                }

                contents.Add(content);
            }
        }

        // A copy, because the pieces belong to whoever made them.
        var passed = update.Clone();
        passed.Contents = contents;
        return passed;
    }

    private async ValueTask<string> ReleaseAsync(string piece)
    {
        if (piece.Length == 0)
        {
            return "";
        }

        var text = _held + piece;
        await check(text.AsMemory());
        var end = Math.Max(0, text.Length - window);
        // A character of two halves is shown whole.
        end -= end > 0 && end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
        _held = text[end..];
        return text[..end];
    }
}
