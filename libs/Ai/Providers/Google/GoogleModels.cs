namespace Ai.Providers.Google;

/// <summary>The list of models, page by page.</summary>
internal static class GoogleModels
{
    private const int PageSize = 200;

    /// <summary>The names after the last slash of <c>models/…</c> and <c>publishers/google/models/…</c>.</summary>
    public static async Task<IReadOnlyList<string>?> ListAsync(GoogleApi api, string path, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        string? page = null;
        do
        {
            var answer = await api.GetAsync(
                $"{path}?pageSize={PageSize}{(page is null ? "" : $"&pageToken={Uri.EscapeDataString(page)}")}", GoogleJson.Wire.ModelsResponse,
                cancellationToken);
            names.AddRange((answer.Models ?? answer.PublisherModels ?? [])
                .Select(model => model.Name).OfType<string>().Select(name => name[(name.LastIndexOf('/') + 1)..]));
            page = answer.NextPageToken is { Length: > 0 } next && next != page ? next : null;
        }
        while (page is not null);

        return names;
    }
}
