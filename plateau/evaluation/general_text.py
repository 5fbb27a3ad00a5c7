"""General English text that belongs to no system: the rise of a model's loss on it shows what fine-tuning has made it forget."""

SENTENCES = """\
The river rises in the hills to the north and reaches the sea after a journey of almost two hundred miles.
Bread is made from flour, water and salt; yeast or a sour starter makes the dough rise before it is baked.
In the nineteenth century the railway brought the village its first visitors from the city.
A triangle has three sides, and its angles add up to one hundred and eighty degrees.
She opened the window, listened to the rain for a while, and went back to her book.
The museum keeps a small collection of maps, some of them drawn by sailors who had never been there.
Most plants take in water through their roots and lose it again through their leaves.
The committee met on Tuesday and agreed to repair the bridge before the winter.
If the temperature falls below freezing, water turns to ice and takes up more room than before.
He learned to play the piano at the age of five and gave his first concert when he was eleven.
The library is open from nine to six, except on Sundays and public holidays.
Copper conducts electricity well, which is why most cables in a house are made of it.
Once upon a time a fox lived at the edge of the forest and was afraid of nothing but thunder.
The recipe asks for two eggs, a cup of sugar, a little butter and the juice of one lemon.
Light takes about eight minutes to travel from the sun to the earth.
The play was written in haste, and its author was never quite satisfied with the last act.
Farmers in the valley grow apples and pears, and sell them at the market every Saturday.
To reach the summit, follow the path along the stream and turn left at the old mill.
The engine was too heavy for the ship, and so the designers had to begin again.
Nobody knows who built the stone circle, or what it was meant for.
""".splitlines()
