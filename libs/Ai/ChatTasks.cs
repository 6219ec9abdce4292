using System.Text.Json;
using Ai.Calls;
using Microsoft.Extensions.AI;

namespace Ai;

/// <summary>Options of common kinds of calls.</summary>
public static class ChatTasks
{
    /// <summary>Options that carry who asks, for what, how urgently.</summary>
    public static ChatOptions For(CallScope scope) => new() { AdditionalProperties = new() { [CallScope.Key] = scope } };

    /// <summary>Options for an answer that is JSON of the given schema.</summary>
    public static ChatOptions Json(CallScope scope, string schemaName, JsonElement schema)
    {
        var options = For(scope);
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, schemaName);
        return options;
    }
}
