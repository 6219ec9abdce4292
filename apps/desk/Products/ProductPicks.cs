using System.Security.Cryptography;
using System.Text;

namespace Desk.Products;

/// <summary>
/// Which of the products found are proposed: some per keyword, in an order that looks like chance and follows from the task, none twice in a task.
/// </summary>
internal sealed class ProductPicks(Guid taskId, int keywords, int kept)
{
    private readonly List<Product>[] _chosen = [.. Enumerable.Range(0, keywords).Select(_ => new List<Product>())];
    private readonly HashSet<string> _codes = new(StringComparer.Ordinal);

    /// <summary>Products so far.</summary>
    public int Count => _codes.Count;

    /// <summary>Products of a keyword.</summary>
    public IReadOnlyList<Product> Of(int keyword) => _chosen[keyword];

    /// <summary>Chooses up to so many for each keyword.</summary>
    public void Choose(IReadOnlyList<Product>?[] found)
    {
        for (var keyword = 0; keyword < found.Length; keyword++)
        {
            foreach (var product in Shuffled(found[keyword]).Where(product => !_codes.Contains(product.ProductCode)).Take(kept).ToArray())
            {
                Add(keyword, product);
            }
        }
    }

    /// <summary>Adds one by one for the keyword that has fewest, up to so many more for each, until there are enough.</summary>
    public void Fill(IReadOnlyList<Product>?[] found, int enough)
    {
        Queue<Product>[] more = [.. found.Select(products => new Queue<Product>(Shuffled(products)))];
        int[] left = [.. found.Select(_ => kept)];
        while (Count < enough)
        {
            foreach (var queue in more)
            {
                while (queue.TryPeek(out var next) && _codes.Contains(next.ProductCode))
                {
                    queue.Dequeue();
                }
            }

            var open = Enumerable.Range(0, found.Length).Where(keyword => left[keyword] > 0 && more[keyword].Count > 0).ToArray();
            if (open.Length == 0)
            {
                return;
            }

            var fewest = open.MinBy(keyword => _chosen[keyword].Count);
            left[fewest]--;
            Add(fewest, more[fewest].Dequeue());
        }
    }

    private void Add(int keyword, Product product)
    {
        if (_codes.Add(product.ProductCode))
        {
            _chosen[keyword].Add(product);
        }
    }

    /// <summary>By a hash of task and product: the same again for the same task, in whatever order they were found.</summary>
    private IEnumerable<Product> Shuffled(IReadOnlyList<Product>? products) => (products ?? []).DistinctBy(product => product.ProductCode)
        .OrderBy(product => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{taskId:N}\n{product.ProductCode}"))), StringComparer.Ordinal);
}
