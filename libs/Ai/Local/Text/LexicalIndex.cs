using System.Buffers;

namespace Ai.Local.Text;

/// <summary>
/// Finds documents by the words of a question: BM25 over <see cref="Grams"/>, together with tags and, where documents and question have them, embeddings. In memory; reads
/// run side by side, adding and removing wait for them. Some 10,000 documents are searched in a few milliseconds.
/// </summary>
public sealed class LexicalIndex(LexicalWords? words = null) : IDisposable
{
    // Measured on Korean disposal answers: see docs/models.md.
    private const double Saturation = 1.2;
    private const double LengthWeight = 0.6;
    private const int TitleWeight = 2;
    private const double Steepness = 1.6;
    private const double TagWeight = 0.4;
    private const double EmbeddingWeight = 0.3;

    /// <summary>Likeness of embeddings from which on it counts: those of most models are never far apart.</summary>
    private const double EmbeddingFloor = 0.5;

    private readonly LexicalWords _words = words ?? LexicalWords.Default;
    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<Entry?> _entries = [];
    private readonly Stack<int> _free = [];
    private readonly Dictionary<ulong, List<Posting>> _postings = [];
    private readonly Dictionary<string, List<int>> _tags = new(StringComparer.Ordinal);
    private long _totalLength;
    private int _embeddings;

    /// <summary>Number of documents.</summary>
    public int Count => _places.Count;

    /// <summary>Adds a document; one with the same id is replaced.</summary>
    public void Add(LexicalDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        var grams = CountsOf(document, out var length);
        _lock.EnterWriteLock();
        try
        {
            RemoveUnlocked(document.Id);
            var place = _free.Count > 0 ? _free.Pop() : _entries.Count;
            if (place == _entries.Count)
            {
                _entries.Add(null);
            }

            _entries[place] = new Entry(document, length);
            _places.Add(document.Id, place);
            _totalLength += length;
            _embeddings += document.Embedding is null ? 0 : 1;
            foreach (var (gram, count) in grams)
            {
                ListOf(_postings, gram).Add(new Posting(place, count));
            }

            foreach (var tag in document.Tags.Select(TagKey).Where(tag => tag.Length > 0).Distinct())
            {
                ListOf(_tags, tag).Add(place);
            }
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Removes a document; false when there is none with the id.</summary>
    public bool Remove(string id)
    {
        _lock.EnterWriteLock();
        try
        {
            return RemoveUnlocked(id);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>The documents that fit a question best, the best first; none that has nothing in common with it.</summary>
    /// <param name="question">The question.</param>
    /// <param name="top">How many, at most.</param>
    /// <param name="embedding">The question's embedding by the same model as the documents', of length 1; null without one.</param>
    public IReadOnlyList<LexicalHit> Search(string question, int top = 5, ReadOnlyMemory<float>? embedding = null)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        var asked = Counts(_words.OfQuestion(question));
        _lock.EnterReadLock();
        var scores = ArrayPool<double>.Shared.Rent(Math.Max(_entries.Count, 1));
        try
        {
            scores.AsSpan(0, _entries.Count).Clear();
            var weights = Weigh(asked);
            AddText(asked, weights, scores);
            var tagged = AddTags(question, scores);
            if (embedding is { } vector && _embeddings > 0)
            {
                AddEmbeddings(vector, scores);
            }

            var best = new PriorityQueue<int, double>(top + 1);
            for (var place = 0; place < _entries.Count; place++)
            {
                if (scores[place] > 0 && (best.Count < top || (best.TryPeek(out _, out var least) && scores[place] > least)))
                {
                    best.Enqueue(place, scores[place]);
                    if (best.Count > top)
                    {
                        best.Dequeue();
                    }
                }
            }

            var hits = new LexicalHit[best.Count];
            for (var i = hits.Length - 1; i >= 0; i--)
            {
                var place = best.Dequeue();
                var document = _entries[place]!.Document;
                hits[i] = new LexicalHit(document, scores[place], BestPassage(document, weights), [.. document.Tags.Where(tag => tagged.Contains(TagKey(tag)))]);
            }

            return hits;
        }
        finally
        {
            _lock.ExitReadLock();
            ArrayPool<double>.Shared.Return(scores);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    /// <summary>How telling each gram of the question is: the rarer, the more; one that no document has counts too, against all of them.</summary>
    private Dictionary<ulong, double> Weigh(Dictionary<ulong, int> asked) => asked.ToDictionary(gram => gram.Key, gram =>
    {
        var documents = _postings.GetValueOrDefault(gram.Key)?.Count ?? 0;
        return Math.Log(1 + ((_places.Count - documents + 0.5) / (documents + 0.5)));
    });

    /// <summary>
    /// BM25 as a share of what a document of average length that has each gram once would get, bent into 0 to 1 without a limit at which ranks would be lost:
    /// that document gets 0.8.
    /// </summary>
    private void AddText(Dictionary<ulong, int> asked, Dictionary<ulong, double> weights, double[] scores)
    {
        var average = Math.Max(1.0, (double)_totalLength / Math.Max(1, _places.Count));
        var whole = asked.Keys.Sum(gram => weights[gram]);
        foreach (var gram in asked.Keys)
        {
            foreach (var (place, count) in _postings.GetValueOrDefault(gram) ?? [])
            {
                var norm = 1 - LengthWeight + (LengthWeight * _entries[place]!.Length / average);
                scores[place] += weights[gram] / whole * count * (Saturation + 1) / (count + (Saturation * norm));
            }
        }

        for (var place = 0; place < _entries.Count; place++)
        {
            scores[place] = 1 - Math.Exp(-Steepness * scores[place]);
        }
    }

    private HashSet<string> AddTags(string question, double[] scores)
    {
        var key = TagKey(_words.OfDocument(question));
        var tagged = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (tag, places) in _tags)
        {
            if (key.Contains(tag, StringComparison.Ordinal))
            {
                tagged.Add(tag);
                foreach (var place in places)
                {
                    scores[place] = Either(scores[place], TagWeight);
                }
            }
        }

        return tagged;
    }

    private void AddEmbeddings(ReadOnlyMemory<float> question, double[] scores)
    {
        for (var place = 0; place < _entries.Count; place++)
        {
            if (_entries[place]?.Document.Embedding is { } vector)
            {
                var likeness = (LexicalEmbedding.Dot(question.Span, vector.Span) - EmbeddingFloor) / (1 - EmbeddingFloor);
                scores[place] = Either(scores[place], EmbeddingWeight * Math.Clamp(likeness, 0, 1));
            }
        }
    }

    /// <summary>Two signs for the same thing: more than each, and never above 1.</summary>
    private static double Either(double one, double other) => 1 - ((1 - one) * (1 - other));

    private string BestPassage(LexicalDocument document, Dictionary<ulong, double> weights)
    {
        var best = document.Text;
        var bestScore = double.NegativeInfinity;
        var grams = new List<ulong>();
        foreach (var range in Passages.Of(document.Text))
        {
            var passage = document.Text[range];
            grams.Clear();
            Grams.Collect(_words.OfDocument(passage), grams);
            // A long passage needs more in common than a short one, but not in proportion.
            var score = grams.Distinct().Sum(gram => weights.GetValueOrDefault(gram)) / (10 + Math.Sqrt(grams.Count));
            if (score > bestScore)
            {
                (best, bestScore) = (passage, score);
            }
        }

        return best;
    }

    private bool RemoveUnlocked(string id)
    {
        if (!_places.Remove(id, out var place))
        {
            return false;
        }

        var (document, length) = _entries[place]!;
        foreach (var gram in CountsOf(document, out _).Keys)
        {
            Drop(_postings, gram, posting => posting.Place == place);
        }

        foreach (var tag in document.Tags.Select(TagKey).Where(tag => tag.Length > 0).Distinct())
        {
            Drop(_tags, tag, tagged => tagged == place);
        }

        _totalLength -= length;
        _embeddings -= document.Embedding is null ? 0 : 1;
        _entries[place] = null;
        _free.Push(place);
        return true;
    }

    private Dictionary<ulong, int> CountsOf(LexicalDocument document, out int length)
    {
        var counts = Counts(_words.OfDocument(document.Text));
        foreach (var (gram, count) in Counts(_words.OfDocument(document.Title)))
        {
            counts[gram] = counts.GetValueOrDefault(gram) + (TitleWeight * count);
        }

        length = counts.Values.Sum();
        return counts;
    }

    private static Dictionary<ulong, int> Counts(string text)
    {
        var grams = new List<ulong>(text.Length * 2);
        Grams.Collect(text, grams);
        var counts = new Dictionary<ulong, int>(grams.Count);
        foreach (var gram in grams)
        {
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }

        return counts;
    }

    /// <summary>A tag however it is written: 미분류_소분류, 미분류 소분류, 미분류소분류.</summary>
    private static string TagKey(string tag)
    {
        Span<char> clean = tag.Length <= 256 ? stackalloc char[tag.Length] : new char[tag.Length];
        var length = Grams.Normalise(tag, clean);
        var kept = 0;
        for (var i = 0; i < length; i++)
        {
            if (char.IsLetterOrDigit(clean[i]))
            {
                clean[kept++] = clean[i];
            }
        }

        return new string(clean[..kept]);
    }

    private static List<TItem> ListOf<TKey, TItem>(Dictionary<TKey, List<TItem>> lists, TKey key) where TKey : notnull
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists.Add(key, list = []);
        }

        return list;
    }

    private static void Drop<TKey, TItem>(Dictionary<TKey, List<TItem>> lists, TKey key, Predicate<TItem> which) where TKey : notnull
    {
        var list = lists[key];
        list.RemoveAll(which);
        if (list.Count == 0)
        {
            lists.Remove(key);
        }
    }

    private sealed record Entry(LexicalDocument Document, int Length);

    private readonly record struct Posting(int Place, int Count);
}
