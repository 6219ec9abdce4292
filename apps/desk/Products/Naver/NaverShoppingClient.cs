using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;

namespace Desk.Products.Naver;

/// <summary>
/// The shopping search of Naver: <c>GET /v1/search/shop.json</c>, new goods by relevance. The same query is asked once while its answer is kept
/// (<see cref="ProductCache"/>); how it is asked is <see cref="NaverPolicy"/>. What goes wrong is a <see cref="ProductSearchException"/>.
/// </summary>
public sealed class NaverShoppingClient(
    HttpClient http, NaverCredentials credentials, NaverPolicy policy, DailyCalls calls, ProductCache cache, ProductMetrics metrics, IOptions<NaverOptions> options,
    TimeProvider time) : IProductCatalogue
{
    private const string Path = "v1/search/shop.json";

    private readonly NaverOptions _options = options.Value;
    private readonly IReadOnlyList<string> _hosts = options.Value.Hosts;

    public ProductSource Source => ProductSource.Naver;

    public Task<IReadOnlyList<Product>> SearchAsync(string query, int count, CancellationToken cancellationToken) => cache.GetAsync(
        // Other hosts make other products of the same answer.
        [query, count.ToString(CultureInfo.InvariantCulture), .. _hosts],
        async token =>
        {
            // Before any request is counted.
            var key = await credentials.GetAsync(token);
            return await policy.AskAsync(attempt => AskAsync(key, query, count, attempt), token);
        },
        cancellationToken);

    private async Task<IReadOnlyList<Product>> AskAsync(NaverKey key, string query, int count, CancellationToken cancellationToken)
    {
        try
        {
            var products = await SendAsync(key, query, count, cancellationToken);
            metrics.Asked("ok");
            return products;
        }
        catch (ProductSearchException failure)
        {
            metrics.Asked(failure.Code);
            if (failure.Failure == ProductSearchFailure.Unauthorized)
            {
                credentials.Refuse(key);
            }
            else if (failure.Failure == ProductSearchFailure.QuotaExhausted)
            {
                await calls.ExhaustAsync(cancellationToken);
            }

            throw;
        }
    }

    private async Task<IReadOnlyList<Product>> SendAsync(NaverKey key, string query, int count, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"{Path}?query={Uri.EscapeDataString(query)}&display={count}&start=1&sort=sim&exclude=used:rental:cbshop"));
        request.Headers.Add("X-Naver-Client-Id", key.Id);
        request.Headers.Add("X-Naver-Client-Secret", key.Secret);
        request.Headers.Accept.ParseAdd("application/json");
        using var limit = new CancellationTokenSource(_options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // The body is read with it, up to MaxResponseBytes.
            using var response = await http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? NaverAnswers.Read(body, count, _hosts)
                : throw NaverAnswers.Failure(response.StatusCode, body, RetryAfter(response));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ProductSearchException(ProductSearchFailure.Timeout, "Naver did not answer in time", exception);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new ProductSearchException(ProductSearchFailure.TooLarge, $"Naver answered more than {_options.MaxResponseBytes} bytes", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new ProductSearchException(ProductSearchFailure.Unreachable, "Naver cannot be reached, or its answer broke off", exception);
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? header?.Date - (response.Headers.Date ?? time.GetUtcNow());
        return wait > TimeSpan.Zero ? wait : null;
    }
}
