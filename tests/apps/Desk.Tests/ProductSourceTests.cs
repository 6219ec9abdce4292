using Contracts;
using Desk.Products;
using Desk.Products.Naver;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NaverServers;
using TestKit;

namespace Desk.Tests;

/// <summary>Where products come from: credentials, samples, nothing.</summary>
public sealed class ProductSourceTests
{
    [Theory]
    [InlineData("Auto", true, "Development", ProductSource.Naver)]
    [InlineData("Auto", true, "Production", ProductSource.Naver)]
    [InlineData("Auto", false, "Development", ProductSource.Samples)]
    [InlineData("Auto", false, "Staging", ProductSource.None)]
    [InlineData("Auto", false, "Production", ProductSource.None)]
    [InlineData("Samples", true, "Production", ProductSource.Samples)]
    [InlineData("None", true, "Development", ProductSource.None)]
    [InlineData("Naver", false, "Development", ProductSource.Naver)]
    public async Task The_source_follows_option_secret_and_environment(string option, bool hasSecret, string environment, ProductSource source)
    {
        await using var naver = await NaverPlatform.StartAsync(hasSecret);
        var replica = naver.AddReplica(environment: environment, settings: ("Source", option));

        Assert.Equal(source, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));
        Assert.Equal(source, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));

        // Said once.
        Assert.Equal(1, replica.Logs.Count(2242));
    }

    [Fact]
    public async Task Naver_without_credentials_means_no_products_and_says_why()
    {
        await using var naver = await NaverPlatform.StartAsync(hasSecret: false);
        var replica = naver.AddReplica(settings: ("Source", "Naver"));

        var found = await replica.Finder.FindAsync(Guid.NewGuid(), ["마우스"], NaverPlatform.Cancel);

        Assert.Empty(Assert.Single(found).Products);
        Assert.Contains(replica.Logs.Lines, line => line.Id == 2240 && line.Text.Contains("NAVER_NO_CREDENTIALS", StringComparison.Ordinal));
        Assert.Equal(1, replica.Logs.Count(2243));
    }

    [Fact]
    public async Task A_secret_that_appears_is_noticed_within_a_minute_and_stays_in_use_when_the_store_loses_it()
    {
        await using var naver = await NaverPlatform.StartAsync(hasSecret: false);
        var clock = new ManualTimeProvider();
        var replica = naver.AddReplica(clock, "Development");
        Assert.Equal(ProductSource.Samples, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));

        naver.Dapr.Secrets["naver-search"] = NaverPlatform.Secret(naver.Server);
        Assert.Equal(ProductSource.Samples, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ProductSource.Naver, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));

        naver.Dapr.Secrets.Remove("naver-search", out _);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(ProductSource.Naver, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));
    }

    [Fact]
    public async Task A_sidecar_that_is_away_holds_nobody_up_for_long()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        var replica = naver.AddLonely(clock, "Development");

        var source = replica.Catalogues.SourceAsync(NaverPlatform.Cancel);
        Assert.False(source.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(ProductSource.Samples, await source.WaitAsync(TimeSpan.FromSeconds(30), NaverPlatform.Cancel));
        // It is asked again soon, since nobody has said that there is no secret.
        Assert.Equal(ProductSource.Samples, await replica.Catalogues.SourceAsync(NaverPlatform.Cancel));
        clock.Advance(TimeSpan.FromSeconds(5));
        var again = replica.Catalogues.SourceAsync(NaverPlatform.Cancel);
        Assert.False(again.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ProductSource.Samples, await again.WaitAsync(TimeSpan.FromSeconds(30), NaverPlatform.Cancel));
    }

    [Fact]
    public async Task Credentials_that_are_refused_are_left_alone_until_they_change_or_a_while_has_passed()
    {
        await using var naver = await NaverPlatform.StartAsync();
        var clock = new ManualTimeProvider();
        naver.Dapr.Secrets["naver-search"] = """{"client-id":"tandem-dev","client-secret":"old"}""";
        var replica = naver.AddReplica(clock);

        Assert.Equal(ProductSearchFailure.Unauthorized, await replica.FailureAsync("1"));
        Assert.Equal(ProductSearchFailure.Unauthorized, await replica.FailureAsync("2"));
        Assert.Equal((1, 1), (naver.Server.Calls, replica.Logs.Count(2244)));

        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(ProductSearchFailure.Unauthorized, await replica.FailureAsync("3"));
        Assert.Equal(2, naver.Server.Calls);

        naver.Dapr.Secrets["naver-search"] = NaverPlatform.Secret(naver.Server);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.NotEmpty(await replica.SearchAsync("4"));
    }

    [Theory]
    [InlineData("false", """{"naver-search":{"client-id":"tandem-dev","client-secret":"tandem-dev-secret"}}""")]
    [InlineData("true", """{"naver-search":{"client-id":"tandem-dev","client-secret":"tandem-dev-secret"}}""")]
    [InlineData("false", """{"naver-search":"{\"client-id\":\"tandem-dev\",\"client-secret\":\"tandem-dev-secret\"}"}""")]
    public async Task A_file_has_the_credentials_as_people_write_them(string multiValued, string secrets)
    {
        using var folder = new TempDirectory();
        var file = Path.Combine(folder.Path, "secrets.json");
        await File.WriteAllTextAsync(file, secrets, NaverPlatform.Cancel);
        await using var naver = await NaverPlatform.StartAsync(hasSecret: false, options =>
            options.AddComponent(Components.Secrets, "secretstores.local.file", ("secretsFile", file), ("multiValued", multiValued)));

        Assert.NotEmpty(await naver.AddReplica().SearchAsync());
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("{}")]
    [InlineData("""{"client-id":"a"}""")]
    [InlineData("""{"client-id":"a","client-secret":" "}""")]
    [InlineData("""{"client-id":5,"client-secret":"b"}""")]
    [InlineData("null")]
    public async Task A_secret_without_credentials_is_none(string secret)
    {
        await using var naver = await NaverPlatform.StartAsync(hasSecret: false);
        naver.Dapr.Secrets["naver-search"] = secret;

        Assert.Equal(ProductSource.None, await naver.AddReplica().Catalogues.SourceAsync(NaverPlatform.Cancel));
    }

    [Theory]
    [InlineData("Naver:Endpoint", "http://openapi.naver.com")]
    [InlineData("Naver:Endpoint", "openapi")]
    [InlineData("Naver:LinkHosts:0", "https://smartstore.naver.com")]
    [InlineData("Naver:LinkHosts:0", "com")]
    [InlineData("Naver:Retries", "11")]
    [InlineData("Naver:DailyLimit", "0")]
    [InlineData("Naver:Secret", "")]
    [InlineData("Kept", "0")]
    [InlineData("Timeout", "00:10:00")]
    public async Task Options_that_cannot_be_are_refused(string name, string value)
    {
        await using var naver = await NaverPlatform.StartAsync();
        var replica = naver.AddReplica(settings: (name, value));

        Assert.Throws<OptionsValidationException>(() =>
            (replica.Services.GetRequiredService<IOptions<ProductOptions>>().Value, replica.Services.GetRequiredService<IOptions<NaverOptions>>().Value));
    }

    [Theory]
    [InlineData("마우스", "마우스")]
    [InlineData("무선마우스", "마우스")]
    [InlineData("키보드", "키보드")]
    [InlineData("책상 조명", "스탠드")]
    [InlineData("mouse", "마우스")]
    [InlineData("plant", "화분/식물")]
    [InlineData("노트북 거치대", "노트북액세서리")]
    public async Task Samples_are_found_by_their_words_and_say_what_they_are(string query, string main)
    {
        using var samples = new SampleCatalogue();

        var found = await samples.SearchAsync(query, 10, NaverPlatform.Cancel);

        Assert.Equal(main, found[0].MainCategory);
        Assert.All(found, product => Assert.Contains("샘플", product.PurchasePlace, StringComparison.Ordinal));
        Assert.All(found, product => Assert.Equal(".example", new Uri(product.PurchaseUrl).Host[^8..]));
    }

    [Theory]
    [InlineData("자동차 타이어")]
    [InlineData("zzz")]
    public async Task What_is_not_there_is_not_found(string query)
    {
        using var samples = new SampleCatalogue();

        Assert.Empty(await samples.SearchAsync(query, 10, NaverPlatform.Cancel));
    }

    [Fact]
    public void Samples_have_codes_of_their_own_and_categories_of_the_tree_in_which_names_are_once()
    {
        using var samples = new SampleCatalogue();

        Assert.InRange(samples.All.Count, 40, 60);
        Assert.Equal(samples.All.Count, samples.All.Select(product => product.ProductCode).Distinct().Count());
        Assert.All(samples.All, product => Assert.Contains(
            ProductCategories.All, category => category.Name == product.MainCategory && category.SubCategories.Contains(product.SubCategory)));
        var names = ProductCategories.All.SelectMany(category => category.SubCategories).ToArray();
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(ProductCategories.All.Count, ProductCategories.All.Select(category => category.Name).Distinct().Count());
    }

    [Fact]
    public async Task A_fresh_machine_has_products()
    {
        await using var naver = await NaverPlatform.StartAsync(hasSecret: false);

        var found = await naver.AddReplica(environment: "Development").Finder.FindAsync(Guid.NewGuid(), ["조명", "모니터 받침대", "작은 화분", "무선 마우스", "머그컵"], NaverPlatform.Cancel);

        Assert.All(found, group => Assert.NotEmpty(group.Products));
        Assert.InRange(found.Sum(group => group.Products.Count), 10, 15);
        Assert.Equal(0, naver.Server.Calls);
    }
}
