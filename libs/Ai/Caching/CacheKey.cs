using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai.Caching;

/// <summary>
/// The SHA-256 of everything that an answer depends on. Every part is preceded by its length, so that no two requests read the same. What it does not
/// know, it does not guess: such a request has no key and is not cached.
/// </summary>
internal sealed class CacheKey : IDisposable
{
    private const string Prefix = "ai-cache:";

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _complete = true;

    private CacheKey()
    {
    }

    /// <summary>The key; null where the request holds something that cannot be compared.</summary>
    public static string? Of(ModelCall call)
    {
        using var key = new CacheKey();
        key.Add(call.Operation);
        key.Add(call.Model.Id);
        key.Add(call.Scope.Task);
        switch (call)
        {
            case ChatCall chat:
                key.AddMessages(chat.Messages);
                key.AddOptions(chat.Options);
                break;
            case EmbeddingCall embedding:
                key.AddAll(embedding.Values);
                key.Add(embedding.Options?.Dimensions);
                key.Add(embedding.Options?.ModelId);
                key.Refuse(embedding.Options?.RawRepresentationFactory is not null);
                key.AddProperties(embedding.Options?.AdditionalProperties);
                break;
            case ImageCall image:
                key.AddImage(image);
                break;
            default:
                return null;
        }

        if (!key._complete)
        {
            return null;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        key._hash.GetHashAndReset(digest);
        Span<char> text = stackalloc char[Prefix.Length + 2 * SHA256.HashSizeInBytes];
        Prefix.CopyTo(text);
        Convert.TryToHexStringLower(digest, text[Prefix.Length..], out _);
        return new string(text);
    }

    public void Dispose() => _hash.Dispose();

    private void AddMessages(IReadOnlyList<ChatMessage> messages)
    {
        Add(messages.Count);
        foreach (var message in messages)
        {
            Add(message.Role.Value);
            Add(message.AuthorName);
            AddContents(message.Contents);
            AddProperties(message.AdditionalProperties);
        }
    }

    private void AddContents(IEnumerable<AIContent> contents)
    {
        foreach (var content in contents)
        {
            switch (content)
            {
                case TextContent text:
                    Add("text");
                    Add(text.Text);
                    break;
                case TextReasoningContent reasoning:
                    Add("reasoning");
                    Add(reasoning.Text);
                    Add(reasoning.ProtectedData);
                    break;
                case DataContent data:
                    Add("data");
                    Add(data.MediaType);
                    Add(data.Data.Span);
                    break;
                case UriContent uri:
                    Add("uri");
                    Add(uri.MediaType);
                    Add(uri.Uri.OriginalString);
                    break;
                default:
                    // Calls of tools and whatever comes to be.
                    Refuse(true);
                    break;
            }

            AddProperties(content.AdditionalProperties);
        }

        Add("end");
    }

    private void AddOptions(ChatOptions? options)
    {
        if (options is null)
        {
            return;
        }

        Refuse(options.Tools is { Count: > 0 } || options.RawRepresentationFactory is not null || options.ConversationId is not null
            || options.ContinuationToken is not null || options.AllowBackgroundResponses is not null);
        Add(options.Instructions);
        Add(options.ModelId);
        Add(options.Temperature);
        Add(options.TopP);
        Add(options.TopK);
        Add(options.MaxOutputTokens);
        Add(options.FrequencyPenalty);
        Add(options.PresencePenalty);
        Add(options.Seed);
        Add((int?)options.Reasoning?.Effort);
        Add((int?)options.Reasoning?.Output);
        AddAll(options.StopSequences);
        AddFormat(options.ResponseFormat);
        AddProperties(options.AdditionalProperties);
    }

    private void AddFormat(ChatResponseFormat? format)
    {
        Add(format?.GetType().Name);
        if (format is ChatResponseFormatJson json)
        {
            Add(json.SchemaName);
            Add(json.SchemaDescription);
            Add(json.Schema is { } schema ? JsonMarshal.GetRawUtf8Value(schema) : default);
        }
    }

    private void AddImage(ImageCall image)
    {
        Add(image.Request.Prompt);
        AddContents(image.Request.OriginalImages ?? []);
        if (image.Options is not { } options)
        {
            return;
        }

        Refuse(options.RawRepresentationFactory is not null);
        Add(options.Count);
        Add(options.ImageSize?.Width);
        Add(options.ImageSize?.Height);
        Add(options.MediaType);
        Add(options.ModelId);
        Add((int?)options.ResponseFormat);
        AddProperties(options.AdditionalProperties);
    }

    /// <summary>Who asks is no part of the question; the task is, and has been added.</summary>
    private void AddProperties(AdditionalPropertiesDictionary? properties)
    {
        if (properties is not { Count: > 0 })
        {
            return;
        }

        foreach (var (name, value) in properties.OrderBy(property => property.Key, StringComparer.Ordinal))
        {
            if (name == CallScope.Key)
            {
                continue;
            }

            Add(name);
            Add(value?.GetType().Name);
            switch (value)
            {
                case null:
                    break;
                case string text:
                    Add(text);
                    break;
                case JsonElement json:
                    Add(JsonMarshal.GetRawUtf8Value(json));
                    break;
                case bool or int or long or float or double or decimal or Enum:
                    Add(Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
                default:
                    Refuse(true);
                    break;
            }
        }
    }

    private void AddAll(IEnumerable<string>? values)
    {
        foreach (var value in values ?? [])
        {
            Add(value);
        }

        Add("end");
    }

    private void Refuse(bool refused) => _complete &= !refused;

    private void Add(string? text)
    {
        Add(text?.Length);
        _hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        Add(bytes.Length);
        _hash.AppendData(bytes);
    }

    private void Add(double? number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double) + 1];
        bytes[0] = number is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteDoubleLittleEndian(bytes[1..], number ?? 0);
        _hash.AppendData(bytes);
    }

    private void Add(long? number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long) + 1];
        bytes[0] = number is null ? (byte)0 : (byte)2;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], number ?? 0);
        _hash.AppendData(bytes);
    }
}
