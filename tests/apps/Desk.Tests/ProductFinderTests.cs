using System.Diagnostics.Metrics;
using Dapr.Client;
using Desk.Products;
using Desk.Products.Naver;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TestKit;

namespace Desk.Tests;

/// <summary>Products for the keywords of a task, from a catalogue that a test writes.</summary>
public sealed class ProductFinderTests
{
    private static readonly Guid Task1 = new("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_of_ten_are_kept_per_keyword_the_same_for_the_same_task()
    {
        var catalogue = new Catalogue { Answer = query => Products(query, 10) };

        var found = await FinderOf(catalogue).FindAsync(Task1, ["마우스", "키보드", "화분", "조명"], Cancel);
        var again = await FinderOf(catalogue).FindAsync(Task1, ["마우스", "키보드", "화분", "조명"], Cancel);
        catalogue.Answer = query => [.. Products(query, 10).Reverse()];
        var otherOrder = await FinderOf(catalogue).FindAsync(Task1, ["마우스", "키보드", "화분", "조명"], Cancel);
        var otherTask = await FinderOf(catalogue).FindAsync(Guid.NewGuid(), ["마우스", "키보드", "화분", "조명"], Cancel);

        Assert.Equal(["마우스", "키보드", "화분", "조명"], found.Select(group => group.Keyword));
        Assert.All(found, group => Assert.Equal(3, group.Products.Count));
        Assert.Equal(Codes(found), Codes(again));
        Assert.Equal(Codes(found), Codes(otherOrder));
        Assert.NotEqual(Codes(found), Codes(otherTask));
        Assert.All(catalogue.Queries, query => Assert.DoesNotContain("소품", query, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fewer_than_ten_together_bring_a_second_query_that_fills_up_where_least_was_found()
    {
        var catalogue = new Catalogue
        {
            Answer = query => query switch { "마우스" => Products("m", 3), "화분" => Products("p", 1), "화분 소품" => Products("ps", 10), _ => Products("ms", 10) },
        };

        var found = await FinderOf(catalogue).FindAsync(Task1, ["마우스", "화분"], Cancel);

        Assert.Equal(["마우스", "마우스 소품", "화분", "화분 소품"], catalogue.Queries.Order());
        // 3 and 1 at first; then 1, 1 for the plants, and by turns up to three more for each: six is all that two keywords may have.
        Assert.Equal([6, 4], found.Select(group => group.Products.Count));
        Assert.Equal(10, Codes(found).Distinct().Count());
    }

    [Fact]
    public async Task Filling_up_ends_when_there_are_enough()
    {
        var catalogue = new Catalogue { Answer = query => query.EndsWith("소품", StringComparison.Ordinal) ? Products(query, 10) : Products(query, 3) };

        var found = await FinderOf(catalogue).FindAsync(Task1, ["a", "b", "c"], Cancel);

        Assert.Equal([4, 3, 3], found.Select(group => group.Products.Count));
    }

    [Fact]
    public async Task A_product_is_not_proposed_twice()
    {
        var catalogue = new Catalogue { Answer = _ => Products("same", 4) };

        var found = await FinderOf(catalogue).FindAsync(Task1, ["a", "b", "b"], Cancel);

        Assert.Equal(4, Codes(found).Count());
        Assert.Equal(4, Codes(found).Distinct().Count());
        Assert.Equal(3, found.Count);
    }

    [Fact]
    public async Task One_that_is_found_twice_for_a_keyword_takes_one_place()
    {
        var catalogue = new Catalogue { Answer = query => [.. Products(query, 3).SelectMany(product => new[] { product, product })] };

        var found = await FinderOf(catalogue, options => options.Enough = 0).FindAsync(Task1, ["a"], Cancel);

        Assert.Equal(3, Codes(found).Distinct().Count());
    }

    [Fact]
    public async Task A_search_that_fails_means_fewer_products_and_no_second_try_in_other_words()
    {
        var catalogue = new Catalogue
        {
            Answer = query => query switch
            {
                "a" => throw new ProductSearchException(ProductSearchFailure.Unavailable, "500"),
                "b" => throw new InvalidOperationException("never expected"),
                _ => Products(query, 10),
            },
        };

        var found = await FinderOf(catalogue).FindAsync(Task1, ["a", "b", "c"], Cancel);

        Assert.Equal([0, 0, 6], found.Select(group => group.Products.Count));
        Assert.Equal(["a", "b", "c", "c 소품"], catalogue.Queries.Order());
    }

    [Fact]
    public async Task What_is_not_there_in_time_is_left_out()
    {
        var clock = new ManualTimeProvider();
        var never = new TaskCompletionSource();
        var catalogue = new Catalogue { Before = (query, token) => query == "slow" ? never.Task.WaitAsync(token) : Task.CompletedTask, Answer = query => Products(query, 10) };

        var finding = FinderOf(catalogue, time: clock).FindAsync(Task1, ["fast", "slow"], Cancel);
        Assert.False(finding.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(20));
        var found = await finding.WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        Assert.Equal([3, 0], found.Select(group => group.Products.Count));
    }

    [Fact]
    public async Task Only_the_caller_s_cancellation_throws()
    {
        using var leaving = new CancellationTokenSource();
        var catalogue = new Catalogue { Before = (_, token) => Task.Delay(Timeout.InfiniteTimeSpan, token), Answer = query => Products(query, 1) };

        var finding = FinderOf(catalogue).FindAsync(Task1, ["a"], leaving.Token);
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => finding);
    }

    [Fact]
    public async Task Keywords_are_bounded_and_blank_ones_are_not_asked_about()
    {
        var catalogue = new Catalogue { Answer = query => Products(query, 10) };

        var found = await FinderOf(catalogue, options => options.MaxKeywords = 3).FindAsync(Task1, ["a", " \n", "c", "d"], Cancel);

        Assert.Equal([5, 0, 5, 0], found.Select(group => group.Products.Count));
        Assert.Equal(["a", "a 소품", "c", "c 소품"], catalogue.Queries.Order());
    }

    [Fact]
    public async Task Without_a_catalogue_there_are_no_products()
    {
        var catalogue = new Catalogue { Answer = query => Products(query, 10) };

        var found = await FinderOf(catalogue, options => options.Source = ProductSource.None).FindAsync(Task1, ["a", "b"], Cancel);

        Assert.Equal(["a", "b"], found.Select(group => group.Keyword));
        Assert.Empty(Codes(found));
        Assert.Empty(catalogue.Queries);
    }

    private static IEnumerable<string> Codes(IReadOnlyList<KeywordProducts> found) => found.SelectMany(group => group.Products).Select(product => product.ProductCode);

    private static IReadOnlyList<Product> Products(string query, int count) =>
        [.. Enumerable.Range(1, count).Select(n => new Product($"{query} {n}", n * 1000, "가게", $"https://a.example/{n}", "", "기타", "기타", $"{query}-{n}"))];

    private static ProductFinder FinderOf(Catalogue catalogue, Action<ProductOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new ProductOptions { Source = ProductSource.Samples };
        configure?.Invoke(options);
        var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        time ??= TimeProvider.System;
        var (dapr, naver) = (new DaprClientBuilder().Build(), Options.Create(new NaverOptions()));
        var credentials = new NaverCredentials(dapr, naver, time, NullLogger<NaverCredentials>.Instance);
        var metrics = new ProductMetrics(services.GetRequiredService<IMeterFactory>(), new DailyCalls(dapr, naver, time, NullLogger<DailyCalls>.Instance));
        return new ProductFinder(
            new ProductCatalogues([catalogue], credentials, Options.Create(options), new HostingEnvironment(), NullLogger<ProductCatalogues>.Instance),
            Options.Create(options), metrics, time, NullLogger<ProductFinder>.Instance);
    }

    private sealed class HostingEnvironment : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = Environments.Production;

        public string ApplicationName { get; set; } = "Desk";

        public string ContentRootPath { get; set; } = AppContext.BaseDirectory;

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = null!;
    }

    private sealed class Catalogue : IProductCatalogue
    {
        private readonly List<string> _queries = [];

        public ProductSource Source => ProductSource.Samples;

        public required Func<string, IReadOnlyList<Product>> Answer { get; set; }

        public Func<string, CancellationToken, Task> Before { get; init; } = (_, _) => Task.CompletedTask;

        public IReadOnlyList<string> Queries
        {
            get
            {
                lock (_queries)
                {
                    return [.. _queries];
                }
            }
        }

        public async Task<IReadOnlyList<Product>> SearchAsync(string query, int count, CancellationToken cancellationToken)
        {
            lock (_queries)
            {
                _queries.Add(query);
            }

            await Before(query, cancellationToken);
            return [.. Answer(query).Take(count)];
        }
    }
}
