using IdentityProviders;

// Listens where --urls says, e.g. --urls http://127.0.0.1:9098
IdentityProviderHost.Build(args).Run();
