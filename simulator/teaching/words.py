"""Everyday words that no phrase of the contact centre needs: the tokenizer and the invented forms draw on them too."""

COMMON_WORDS = """
able about above across action active actual address advice after again against agree ahead allow along amount answer
apart area around arrive artist aside assist author average balance basic beauty become before begin behind believe below
better between beyond board bottle bottom branch bread bridge bright bring broad brother brown budget build button camera
capital captain careful carry castle cause center central certain chance change chapter charm chart check cheese chief
child choice circle city claim class clean clear climate close cloud coach coast coffee cold collect college color column
comfort common company compare complete concern condition conduct connect consider contain content control cook copper
corner correct cotton count country couple course cover create credit cross culture current curve custom daily damage
dance danger deal decide deep degree demand depend describe desert design desk detail develop different dinner direct
discover discuss distance divide doctor double doubt dozen dream dress drive early earth east easy edge educate effect
effort eight either electric element employ empty enable energy engine enjoy enough enter entire equal escape event every
exact example except exchange exercise exist expect expert explain express extend extra factor fair false familiar family
famous farm fashion father favor feature field fifth figure film final find finger finish fire first fish flat floor flow
flower follow food force forest forget formal former forward frame free fresh friend front fruit function future garden
gather general gentle giant gift glass gold good govern grade grand grass gray great green ground group grow guard guess
guide habit half hand happen happy hard heart heavy height help herd hidden high history hold hollow honest hope horse
hotel hour house human humor hundred idea image impact include income indeed industry inform inside instance instead
interest invite iron island item jacket join judge juice jump junior just keep kind king kitchen knife know lady lake land
language large last later laugh law lead learn least leave legal lemon length level liberty light limit line list listen
little live local logic long loose lose lovely lower lucky machine main major make manage many march mark market master
match material matter measure media medium member memory mention method middle might mile milk mind minor minute mirror
mission model modern moment month moral morning mother motion mount move music narrow nation nature near need neither
never nice night noble noise normal north note nothing notice novel object observe obvious occasion ocean offer office
often open opinion opposite option orange organ origin other outer outside oven over owner page paint pair palace paper
parent park part party pass patient pattern peace people perfect perhaps period permit person photo picture piece pilot
place plain planet plant plate player pocket point police polite popular portion position positive possible power practice
prefer prepare present press pretty prevent price pride print prize problem process produce profit program progress
project promise proper protect proud prove provide public pupil purple purpose push quarter question quick quiet quite
radio rail rain range rapid rather reach read ready real reason receive record reduce refer reform regard region regular
relate remain remark remember remove render rent reply report request require rescue reserve respect respond rest result
return reveal rich ride right ring rise river road rock roll room root rough round route royal rule safe sail sample sand
save scale scene schedule school science sea search season second secret section select sense separate serious settle
seven severe shade shadow shape share sharp sheet shine ship shirt shock short should shoulder show side sight sign silent
silver similar simple since single sister situation skill skin sleep slight slow small smart smile smooth social society
soft soil solid some song soon sort sound south space speak special speed spirit split sport spread spring square stable
stage stand standard station stay steady steel step stick still stone storage store storm story straight strange street
stretch strike strong structure student study style subject success sudden sugar suggest suit summer supply support
surface surprise survey sweet swim switch symbol system table talent talk tall target task taste teach team tell temper
tender term test text thank theory thick thing think third though thread through throw ticket tight time title today
together tone tool topic total touch tour toward tower town track trade tradition train travel treat tree trial trip trust
truth turn twelve under union unique unit unity until upper urban useful usual valley value variety various vehicle version
very victory view village visible vision visit visual voice volume wait walk wall warm wash watch water wealth weather week
weight welcome west wheel while white whole wide wild wind window wing winter wise wonder wood word work world worth write
yellow yesterday yield young
""".split()  # noqa: SIM905 (770 quoted words would be no easier to read)
