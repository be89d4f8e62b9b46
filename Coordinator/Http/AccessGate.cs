using System.Net.Http.Headers;
using Distributed.Protocol.Cluster;
using Microsoft.AspNetCore.Http;

namespace Distributed.Coordinator.Http;

/// <summary>What somebody with a token may do.</summary>
[Flags]
public enum AccessRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Join as a worker.</summary>
    Join = 1,

    /// <summary>Look at the page and the metrics.</summary>
    View = 2,

    /// <summary>Push buttons.</summary>
    Operate = 4,
}

/// <summary>First in the pipeline: nobody gets past it without a token, whatever path or verb they try.</summary>
/// <remarks>
/// 401 without a valid token, so that nobody learns which paths exist; 403 if the token is not for this path. The token
/// comes in the header Authorization (Bearer), never in the URL.
/// </remarks>
/// <param name="secrets">The tokens.</param>
/// <param name="open">Paths for everybody.</param>
/// <param name="rights">What a path needs, one of the rights given is enough; unlisted ones need any token.</param>
public sealed class AccessGate(
    SecretsFolder secrets, IReadOnlySet<string> open, IReadOnlyDictionary<string, AccessRights> rights)
{
    /// <summary>Lets a request through, or answers it.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        string path = context.Request.Path.Value ?? "";
        if (open.Contains(path))
        {
            return next(context);
        }

        AccessRights given = Rights(context.Request);
        if (given == AccessRights.None)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Task.CompletedTask;
        }

        if (rights.TryGetValue(path, out AccessRights needed) && (needed & given) == AccessRights.None)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        }

        return next(context);
    }

    private AccessRights Rights(HttpRequest request)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out AuthenticationHeaderValue? header)
            || !header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            || header.Parameter is not { Length: > 0 } secret)
        {
            return AccessRights.None;
        }

        // A token's file holds PIN::SECRET; the pin is for the sender, and does no harm here.
        secret = secret[(secret.LastIndexOf(':') + 1)..];

        // All three are compared, so that the time does not tell which one was nearly right.
        return (secrets.Join.Accepts(secret) ? AccessRights.Join : 0)
            | (secrets.View.Accepts(secret) ? AccessRights.View : 0)
            | (secrets.Operate.Accepts(secret) ? AccessRights.View | AccessRights.Operate : 0);
    }
}
