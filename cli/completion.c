#include "completion.h"

#include <stdio.h>
#include <string.h>

struct option { /* of a command */
    const GOptionEntry *entry;
    const struct command *command;
};

struct listing {
    const struct command *command; /* that is asked for its options */
    GArray *options;               /* of struct option */
};

static void take_option(void *data, const GOptionEntry *entry)
{
    struct listing *listing = data;
    struct option option = {entry, listing->command};
    g_array_append_val(listing->options, option);
}

/* A command looks at its options first, so it does nothing but hand over their tables. */
static GArray *list_options(const struct command *const *commands, size_t count)
{
    static const GOptionEntry help = {"help", 'h', 0, G_OPTION_ARG_NONE, NULL, "Show help options", NULL};
    struct listing listing = {.options = g_array_new(FALSE, FALSE, sizeof(struct option))};

    for (size_t i = 0; i < count; i++) {
        g_autofree char *name = g_strdup(commands[i]->name);
        char *argv[] = {name, NULL};
        listing.command = commands[i];
        cli_list_options(take_option, &listing);
        commands[i]->run(1, argv);
        take_option(&listing, &help);
    }
    cli_list_options(NULL, NULL);
    return listing.options;
}

static gboolean takes_value(const GOptionEntry *entry)
{
    return entry->arg != G_OPTION_ARG_NONE;
}

static gboolean takes_file(const GOptionEntry *entry)
{
    return entry->arg == G_OPTION_ARG_FILENAME || entry->arg == G_OPTION_ARG_FILENAME_ARRAY;
}

static void print_words(const GArray *options, const struct command *command, gboolean (*fits)(const GOptionEntry *),
                        const char *between)
{
    const char *before = "";

    for (guint i = 0; i < options->len; i++) {
        const struct option *option = &g_array_index(options, struct option, i);
        if ((command && option->command != command) || (fits && !fits(option->entry)))
            continue;
        printf("%s--%s", before, option->entry->long_name);
        before = between;
        if (option->entry->short_name)
            printf("%s-%c", between, option->entry->short_name);
    }
}

static gboolean takes_word(const GOptionEntry *entry)
{
    return takes_value(entry) && !takes_file(entry);
}

static void print_bash(const struct command *const *commands, size_t count, const GArray *options)
{
    fputs("# bash completion for trustgap\n_trustgap()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        words='--help --version",
          stdout);
    for (size_t i = 0; i < count; i++)
        printf(" %s", commands[i]->name);
    fputs(
        "'\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n    case $prev in\n    ",
        stdout);
    print_words(options, NULL, takes_word, "|");
    fputs(") return ;;\n    ", stdout);
    print_words(options, NULL, takes_file, "|");
    fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n    esac\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("    %s) words='", commands[i]->name);
        print_words(options, commands[i], NULL, " ");
        fputs("' ;;\n", stdout);
    }
    fputs("    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n    esac\n}\n"
          "complete -o filenames -F _trustgap trustgap\n",
          stdout);
}

/* In single quotes of the shell; ${more} are characters that get a backslash in front. */
static void print_quoted(const char *text, const char *more)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(more, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void print_zsh_option(const GOptionEntry *entry)
{
    if (entry->short_name)
        printf("            '(-%c --%s)'{-%c,--%s}'[", entry->short_name, entry->long_name, entry->short_name,
               entry->long_name);
    else
        printf("            '--%s[", entry->long_name);
    print_quoted(entry->description, "[]\\");
    fputs("]", stdout);
    if (takes_value(entry)) {
        fputs(":", stdout);
        print_quoted(entry->arg_description ? entry->arg_description : "value", ":\\");
        fputs(takes_file(entry) ? ":_files" : ":", stdout);
    }
    fputs("' \\\n", stdout);
}

static void print_zsh(const struct command *const *commands, size_t count, const GArray *options)
{
    fputs("#compdef trustgap\n_trustgap() {\n    local -a commands\n    commands=(\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("        '%s:", commands[i]->name);
        print_quoted(commands[i]->help, ":\\");
        fputs("'\n", stdout);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n",
          stdout);
    for (size_t i = 0; i < count; i++) {
        printf("    %s)\n        _arguments -s \\\n", commands[i]->name);
        for (guint j = 0; j < options->len; j++) {
            const struct option *option = &g_array_index(options, struct option, j);
            if (option->command == commands[i])
                print_zsh_option(option->entry);
        }
        fputs("            '*:file:_files'\n        ;;\n", stdout);
    }
    fputs("    esac\n}\n_trustgap \"$@\"\n", stdout);
}

static void print_fish(const struct command *const *commands, size_t count, const GArray *options)
{
    fputs("# fish completion for trustgap\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("complete -c trustgap -n __fish_use_subcommand -f -a %s -d '", commands[i]->name);
        print_quoted(commands[i]->help, "");
        fputs("'\n", stdout);
    }
    for (guint i = 0; i < options->len; i++) {
        const struct option *option = &g_array_index(options, struct option, i);
        printf("complete -c trustgap -n '__fish_seen_subcommand_from %s' -l %s", option->command->name,
               option->entry->long_name);
        if (option->entry->short_name)
            printf(" -s %c", option->entry->short_name);
        if (takes_value(option->entry))
            fputs(takes_file(option->entry) ? " -r -F" : " -x", stdout);
        fputs(" -d '", stdout);
        print_quoted(option->entry->description, "");
        fputs("'\n", stdout);
    }
}

gboolean completion_print(const char *shell, const struct command *const *commands, size_t count)
{
    static const struct {
        const char *shell;
        void (*print)(const struct command *const *commands, size_t count, const GArray *options);
    } rows[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].shell, shell) != 0)
            continue;
        g_autoptr(GArray) options = list_options(commands, count);
        rows[i].print(commands, count, options);
        return TRUE;
    }
    return FALSE;
}
