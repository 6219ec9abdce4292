using Contracts;
using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>The original clients' numbers: <c>order(stage)*10 + (completed ? 1 : 0)</c>, per API app; unknown stages are 990/991.</summary>
internal static class JobStages
{
    private const int Unknown = 99;

    private static readonly string[] Scan = ["queued", "vision", "rule", "answer", "reward", JobWords.Done];

    private static readonly string[] Chat =
    [
        "queued", "intent", "vision", "waste_rag", "character", "location", "kakao_place", "bulk_waste", "weather", "recyclable_price",
        "collection_point", "web_search", "image_generation", "general", "aggregator", "feedback", "answer", "eval", JobWords.Done,
        "needs_input",
    ];

    /// <summary>The number of an event.</summary>
    public static int Number(string app, string stage, string status)
    {
        var order = Array.IndexOf(app == Apps.Scan ? Scan : Chat, stage);
        return ((order < 0 ? Unknown : order) * 10) + (status == JobWords.Completed ? 1 : 0);
    }
}
